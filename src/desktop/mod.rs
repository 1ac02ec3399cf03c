//! The window: what a person sees and asks. It never waits and never touches disk or network.

mod action;
pub mod format;
pub mod picture;
mod route;
mod scene;
pub mod screens;
pub mod theme;
pub mod widgets;
pub mod words;

pub use action::Action;
pub use route::Route;
pub use scene::{Scene, Surroundings};
