//! On Windows a program with a window has no console of its own: it speaks on the one that it was started from, where there is one.

/// The console of whoever started this program.
const PARENT: u32 = u32::MAX;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn AttachConsole(process: u32) -> i32;
}

/// Called before anything is said. Without a console, started from a menu for one, what is said goes to the log alone.
pub fn attach() {
    // SAFETY: a number goes in and a number comes out; no memory of this program is touched.
    unsafe {
        AttachConsole(PARENT);
    }
}
