//! The line server from outside: real sockets, real files, one binary.

mod accounts;
mod http;
mod program;
mod shapes;
mod world;
