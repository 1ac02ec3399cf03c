//! People make their own account: `signup`, `verify`, `resend`.

use std::io::Read;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::context::{Context, Failure};
use crate::client::{AccountAsk, Explanation, LineAddress};
use crate::support::secret::Secret;

/// Longest password that is read from a pipe, in bytes.
const LONGEST_PASSWORD: u64 = 16 * 1024;

/// Which server is asked.
#[derive(Debug, Args)]
pub struct Where {
    /// Address of the server; the instance's own where none is given
    #[arg(value_name = "URL", env = "SERVER_URL")]
    url: Option<String>,
    /// Allow plain http to another machine: everybody on the way can read the password
    #[arg(long)]
    allow_plain_http: bool,
}

#[derive(Debug, Args)]
pub struct Signup {
    #[command(flatten)]
    server: Where,
    /// The user name to be known by
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Where the code is sent
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    server: Where,
    /// The address that is confirmed
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The six digits from the mail
    #[arg(long, value_name = "CODE")]
    code: String,
}

#[derive(Debug, Args)]
pub struct Resend {
    #[command(flatten)]
    server: Where,
    /// The address that a new code is sent to
    #[arg(long, value_name = "ADDRESS")]
    email: String,
}

impl Where {
    pub fn find(&self, context: &Context) -> Result<LineAddress, Failure> {
        let url = self.url.as_deref().filter(|url| !url.is_empty());
        Ok(context.place()?.line_address(context.wanted.as_ref(), url, self.allow_plain_http)?)
    }
}

pub fn signup(context: &Context, signup: Signup) -> Result<(), Failure> {
    let address = signup.server.find(context)?;
    let password = new_password(context, &signup)?;
    ask(context, &address, &AccountAsk::SignUp { name: signup.user, email: signup.email, password })
}

pub fn verify(context: &Context, verify: Verify) -> Result<(), Failure> {
    let address = verify.server.find(context)?;
    ask(context, &address, &AccountAsk::Verify { email: verify.email, code: Secret::new(verify.code) })
}

pub fn resend(context: &Context, resend: Resend) -> Result<(), Failure> {
    let address = resend.server.find(context)?;
    ask(context, &address, &AccountAsk::Resend { email: resend.email })
}

/// The answer is the server's own sentence.
fn ask(context: &Context, address: &LineAddress, ask: &AccountAsk) -> Result<(), Failure> {
    let sentence = address.accounts()?.ask(ask)?;
    context.output.say(&json!({ "message": sentence, "server_url": address.url }), "server_says", &[("sentence", &sentence)]);
    Ok(())
}

/// Asked for twice, for nobody sees what he types.
fn new_password(context: &Context, signup: &Signup) -> Result<Secret, Failure> {
    if signup.password_stdin {
        return password_from_stdin();
    }
    let first = ask_hidden(&context.output.words("ask_password", &[("user", &signup.user)]))?;
    let again = ask_hidden(&context.output.words("ask_password_again", &[]))?;
    if first == again { Ok(first) } else { Err(Explanation::new("passwords_differ").into()) }
}

/// Without echo.
pub fn ask_hidden(prompt: &str) -> Result<Secret, Failure> {
    Ok(Secret::new(rpassword::prompt_password(prompt)?))
}

/// Everything that standard input holds, without the line end.
pub fn password_from_stdin() -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().lock().take(LONGEST_PASSWORD).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
