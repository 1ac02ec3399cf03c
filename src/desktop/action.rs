//! What a screen asks of the app in one frame. Carried out after drawing, outside all borrows.

use super::route::Route;
use super::screens::pin::Task;
use super::theme::Tone;
use crate::client::Command;

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Hand it to the station's services.
    Run(Command),
    Go(Route),
    /// Show the card by which a person signs in on top of a station.
    ShowLogin,
    /// Leave that card without signing in.
    HideLogin,
    /// Show or hide the rail where an application keeps it away.
    ToggleRail,
    /// Show the pad for the station's PIN.
    AskPin(Task),
    ToggleFullscreen,
    /// `None` follows the system.
    SetTone(Option<Tone>),
    Copy(String),
    /// Close the window.
    Quit,
}
