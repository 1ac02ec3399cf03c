//! The frame and its screens: what a person presses, and what is asked of the services.

mod account;
mod administration;
mod chat;
mod dialogs;
mod frame;
mod goldens;
mod login;
mod me;
mod offline;
mod people;
mod pin;
mod shots;
mod world;
