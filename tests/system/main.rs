//! The true programs against each other: real sockets, real files, real deaths, and a bad network between.

mod accounts;
mod administration;
mod bad_input;
mod browser;
mod chaos;
mod chat;
mod conversation;
mod deaths;
mod delivery;
mod durability;
mod instances;
mod offline;
mod page;
mod recount;
mod recovery;
mod secrecy;
#[cfg(unix)]
mod sshd;
mod storms;
#[cfg(unix)]
mod tunnel;
mod window;
mod world;

/// As in the programs: freed memory is wiped, so that no copy of a secret outlives its use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
