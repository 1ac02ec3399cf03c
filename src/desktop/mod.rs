//! The window: what a person sees and asks. It never waits and never touches disk or network.

mod action;
mod app;
pub mod format;
pub mod picture;
mod route;
mod scene;
pub mod screens;
mod shell;
mod shortcuts;
pub mod theme;
pub mod widgets;
pub mod words;

pub use action::Action;
pub use app::{Andon, Options};
pub use route::Route;
pub use scene::{Scene, Surroundings};
