//! The line server from outside: real sockets, real files, one binary.

mod accounts;
mod http;
mod plant;
mod program;
mod queries;
mod reports;
mod samples;
mod shapes;
mod socket_io;
mod world;
mod yields;
