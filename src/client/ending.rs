//! Being asked to end by the system: Ctrl-C, the service manager, a terminal that closes.

use std::io;

/// Hears it from the moment it is made, so that nothing is missed while a program starts.
pub struct Ending {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
    #[cfg(windows)]
    signals: (tokio::signal::windows::CtrlC, tokio::signal::windows::CtrlClose, tokio::signal::windows::CtrlShutdown),
}

impl Ending {
    pub fn listen() -> io::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _inside = runtime.enter();
        #[cfg(unix)]
        let signals = {
            use tokio::signal::unix::{SignalKind, signal};
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]
        };
        #[cfg(windows)]
        let signals = {
            use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
            (ctrl_c()?, ctrl_close()?, ctrl_shutdown()?)
        };
        drop(_inside);
        Ok(Ending { runtime, signals })
    }

    /// Waits until this program is asked to end.
    pub fn wait(self) {
        let mut signals = self.signals;
        self.runtime.block_on(async {
            #[cfg(unix)]
            {
                let [interrupt, terminate, hangup] = &mut signals;
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            }
            #[cfg(windows)]
            tokio::select! {
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
                _ = signals.2.recv() => {}
            }
        });
    }
}
