//! The line server built into the window's program, on a thread and a runtime of its own.

use std::path::{Path, PathBuf};

use andon::client::{LineRequest, LocalLine};
use andon::server::{Admin, Config, Running, StartError, start};
use andon::support::clock::Clock;
use tokio::sync::mpsc;

/// How the built-in server runs.
pub struct BuiltInLine {
    pub data_folder: PathBuf,
    /// Any free port, instead of the line server's own: so that a demo disturbs nobody.
    pub free_port: bool,
    /// Processes that the simulated line needs, by code and name.
    pub processes: Vec<(i64, String)>,
}

/// Requests that may wait for the server's thread.
const REQUESTS: usize = 8;

impl BuiltInLine {
    /// A handle to the server. It starts when it is asked to, and stops when every handle is gone.
    pub fn handle(self) -> std::io::Result<LocalLine> {
        let (sender, inbox) = mpsc::channel(REQUESTS);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("andon-line").enable_all().build()?;
        std::thread::Builder::new().name("andon-line".to_owned()).spawn(move || runtime.block_on(self.serve(inbox)))?;
        Ok(LocalLine(sender))
    }

    async fn serve(self, mut inbox: mpsc::Receiver<LineRequest>) {
        let mut running: Option<Running> = None;
        while let Some(request) = inbox.recv().await {
            // Whoever asked may have gone meanwhile; then nobody needs the answer.
            match request {
                LineRequest::Start(answer) => {
                    let _ = answer.send(self.start(&mut running).await);
                }
                LineRequest::IsSetUp(answer) => {
                    let _ = answer.send(self.is_set_up(running.as_ref()).await);
                }
                LineRequest::SetUp { administrator, password, answer } => {
                    let result = match self.start(&mut running).await {
                        Ok(_) => self.admin(running.as_ref()).await,
                        Err(error) => Err(error),
                    };
                    let result = match result {
                        Ok(admin) => admin.set_up(&administrator, &password).await.map(|_| ()).map_err(|error| error.to_string()),
                        Err(error) => Err(error),
                    };
                    let _ = answer.send(result);
                }
                LineRequest::Stop(answer) => {
                    stop(&mut running).await;
                    let _ = answer.send(Ok(()));
                }
            }
        }
        stop(&mut running).await;
    }

    async fn start(&self, running: &mut Option<Running>) -> Result<String, String> {
        if let Some(running) = running {
            return Ok(running.url());
        }
        let started = start(self.config(), Clock::system()).await.map_err(|error| self.explain(&error))?;
        for (code, name) in &self.processes {
            started.admin().add_process(*code, name, false).await.map_err(|error| error.to_string())?;
        }
        let url = started.url();
        *running = Some(started);
        Ok(url)
    }

    fn explain(&self, error: &StartError) -> String {
        match error {
            StartError::InUse(_) => "The line server of this PC runs already, in another window.".to_owned(),
            other => other.to_string(),
        }
    }

    async fn is_set_up(&self, running: Option<&Running>) -> Result<bool, String> {
        if running.is_none() && !self.config().is_made() {
            return Ok(false);
        }
        self.admin(running).await?.has_accounts().await.map_err(|error| error.to_string())
    }

    async fn admin(&self, running: Option<&Running>) -> Result<Admin, String> {
        match running {
            Some(running) => Ok(running.admin()),
            None => Admin::open(&self.config(), Clock::system()).await.map_err(|error| error.to_string()),
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::in_folder(&self.data_folder);
        if self.free_port {
            config.listen.set_port(0);
        }
        config
    }
}

async fn stop(running: &mut Option<Running>) {
    if let Some(running) = running.take() {
        running.stop().await;
    }
}

/// Where the built-in server of this data folder keeps its things.
pub fn line_folder(data_folder: &Path) -> PathBuf {
    data_folder.join("line")
}
