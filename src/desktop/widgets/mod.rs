//! What screens are put together from. A widget knows egui, the theme and the domain, never the model.

pub mod badge;
pub mod button;
pub mod card;
pub mod count;
pub mod dialog;
pub mod empty;
pub mod field;
pub mod hero;
pub mod icon;
pub mod keyboard;
pub mod keypad;
pub mod lettering;
pub mod limit_bar;
pub mod list;
pub mod pareto;
pub mod password;
pub mod progress;
pub mod search;
pub mod sign;
pub mod sparkline;
pub mod table;
pub mod tabs;
pub mod tile;
pub mod toast;
pub mod yield_chart;
