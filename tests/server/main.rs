//! The line server from outside: real sockets, real files, one binary.

mod access;
mod accounts;
mod chat;
mod cluster;
mod contract;
mod http;
mod live;
mod mail;
mod page;
mod plant;
mod program;
mod queries;
mod reports;
mod samples;
mod shapes;
mod socket_io;
mod wire;
mod world;
mod yields;
