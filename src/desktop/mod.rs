//! The window: what a person sees and asks. It never waits and never touches disk or network.

pub mod picture;
pub mod theme;
pub mod widgets;
