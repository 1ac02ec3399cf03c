# Sourced by ./run and ./check: installs Debian or Ubuntu packages that are missing, or says which are.

# The C compiler for the parts of our dependencies that are written in C.
BUILD_PACKAGES="gcc libc6-dev"
# What a window loads at run time.
WINDOW_PACKAGES="libxkbcommon-x11-0 libxcursor1 libxi6 libxrandr2 libx11-xcb1 libgl1 libegl1 libwayland-client0 libwayland-cursor0 libwayland-egl1"
# Real parts that the tests start: a display, a secret service, a tracer, a debugger, a plant's databases.
TEST_PACKAGES="git xvfb xauth dbus gnome-keyring strace gdb xdotool procps mount util-linux postgresql redis-server"

# need PACKAGE…: makes sure that each is installed.
need() {
  command -v dpkg-query >/dev/null 2>&1 || { echo "This is not Debian or Ubuntu. Make sure that what these packages hold is installed: $*" >&2; return 0; }
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null && root=(sudo -n) || { echo "Please install: sudo apt-get install ${missing[*]}" >&2; return 1; }
  fi
  echo "Installing ${missing[*]}"
  local log; log=$(mktemp)
  if ! { "${root[@]}" apt-get update -qq &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      -o DPkg::Lock::Timeout=600 "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2; rm -f "$log"
    echo "Could not install: ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# need_rust: makes sure that cargo can be called.
need_rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  command -v cargo >/dev/null 2>&1 || { echo "Andon needs Rust 1.95 or newer, from https://rustup.rs" >&2; return 1; }
}
