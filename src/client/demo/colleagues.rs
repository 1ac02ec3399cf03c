//! Two colleagues who are not there: they have accounts on the demo's server and talk as anybody does, through its interface.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::client::api::{Api, ApiError, PersonSession};
use crate::client::link::LinkReceiver;
use crate::domain::access::Role;
use crate::domain::connection::Connection;
use crate::protocol::chat::{MessageKind, NewMessage};
use crate::protocol::users::NewUser;
use crate::support::secret::Secret;

const NAMES: [&str; 2] = ["Anna Król (simulated)", "Marek Lis (simulated)"];

/// What is said: by whom, after how many seconds, whether it is a handover note.
const SAID: [(usize, u64, bool, &str); 5] = [
    (
        0,
        0,
        true,
        "Running: VALVE-12 on both leak testers, PUMP-48V on FCT-01\nOpen: seal of nest 3 on LEAK-02 is ordered, Łukasz knows more\n\
         Watch: leak rate of VALVE-12 creeps up before each cleaning",
    ),
    (1, 0, false, "Thanks Anna. I clean the fixture of LEAK-02 at ten."),
    (0, 0, false, "Good. The last two rejects were the seal, not the valves."),
    (1, 25, false, "LEAK-02 is clean again, first unit passed."),
    (0, 60, false, "FCT-01 needs new contact pins by tomorrow – they are in the cabinet, second drawer."),
];

pub(crate) async fn run(mut link: LinkReceiver, stop: CancellationToken) {
    let ready = link.wait_for(|link| link.state == Connection::Connected && link.person.is_some());
    let found = tokio::select! {
        () = stop.cancelled() => return,
        ready = ready => ready.ok().and_then(|link| Some((link.api.clone()?, link.person.clone()?))),
    };
    let Some((api, host)) = found else { return };
    tokio::select! {
        () = stop.cancelled() => {}
        talked = talk(&api, &host) => if let Err(error) = talked {
            tracing::warn!(%error, "the simulated colleagues cannot talk");
        },
    }
}

async fn talk(api: &Arc<Api>, host: &PersonSession) -> Result<(), ApiError> {
    let (first, second) = tokio::try_join!(join(api, host, NAMES[0]), join(api, host, NAMES[1]))?;
    let people = [first, second];
    let mut now = 0;
    for (who, at, note, content) in SAID {
        tokio::time::sleep(Duration::from_secs(at - now)).await;
        now = at;
        let kind = if note { MessageKind::Note } else { MessageKind::Message };
        people[who].say("line", &NewMessage { content: content.to_owned(), kind, id: None }).await?;
    }
    for person in people {
        person.log_out().await;
    }
    Ok(())
}

/// Makes a colleague's account, with a password that nobody knows, and signs him in.
async fn join(api: &Arc<Api>, host: &PersonSession, name: &str) -> Result<Arc<PersonSession>, ApiError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::Unreachable(error.to_string()))?;
    let password = Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let user = NewUser { username: name.to_owned(), email: None, role: Role::Operator, password: password.expose().to_owned() };
    host.create_user(&user).await?;
    let answer = api.login(name, &password).await.map_err(|denied| denied.error)?;
    Ok(PersonSession::start(api.clone(), name, answer.into()))
}
