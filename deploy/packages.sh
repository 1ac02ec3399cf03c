# Sourced by ./run and ./check: installs Debian or Ubuntu packages that are missing, or says which are.

# The C compiler for the parts of our dependencies that are written in C.
BUILD_PACKAGES="gcc libc6-dev"
# What a window loads at run time.
WINDOW_PACKAGES="libxkbcommon-x11-0 libxcursor1 libxi6 libxrandr2 libx11-xcb1 libgl1 libegl1 libwayland-client0 libwayland-cursor0 libwayland-egl1"
# Real parts that the tests start: a display, a secret service, an SSH server, a tracer, a debugger, a plant's databases, Socket.IO clients, a browser.
TEST_PACKAGES="git openssh-client openssh-server xvfb xauth dbus gnome-keyring strace gdb xdotool procps mount util-linux postgresql redis-server nginx-light python3-venv chromium chromium-driver"

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

# need_node: makes sure that npm can be called. Whoever has Node.js from elsewhere keeps it: its packages exclude Debian's.
need_node() {
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && return 0
  need nodejs npm
}

# need_rust: makes sure that cargo can be called.
need_rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  command -v cargo >/dev/null 2>&1 || { echo "Andon needs Rust 1.95 or newer, from https://rustup.rs" >&2; return 1; }
}

# need_python FOLDER PACKAGE==VERSION…: puts these Python packages into target/FOLDER/python, once.
need_python() {
  local folder="target/$1"; shift
  mkdir -p "$folder"
  (
    flock 9
    [ "$(cat "$folder/python.versions" 2>/dev/null)" = "$*" ] && exit 0
    rm -rf "$folder/python"
    local log; log=$(mktemp)
    if ! { python3 -m venv "$folder/python" &&
      "$folder/python/bin/pip" install -q --disable-pip-version-check "$@"; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2; rm -f "$log"
      echo "Could not get $*" >&2
      exit 1
    fi
    rm -f "$log"
    printf '%s' "$*" >"$folder/python.versions"
  ) 9>"$folder/python.lock"
}

# need_socket_clients: puts the Socket.IO clients that the tests speak to the server with into target/socket-clients, once.
# The Python client is the one of the original server's time; both are pinned.
need_socket_clients() {
  local folder=target/socket-clients client="socket.io-client@4.8.1"
  need_node || return 1
  need_python socket-clients python-socketio==5.14.3 python-engineio==4.12.3 requests==2.32.5 websocket-client==1.9.0 || return 1
  (
    flock 9
    [ "$(cat "$folder/node.versions" 2>/dev/null)" = "$client" ] && exit 0
    rm -rf "$folder/node_modules"
    npm install --silent --no-audit --no-fund --no-save --prefix "$folder" "$client" || { echo "Could not get $client" >&2; exit 1; }
    printf '%s' "$client" >"$folder/node.versions"
  ) 9>"$folder/node.lock"
}

# need_api_tester: puts what tries the server's interface into target/api-tester, once.
need_api_tester() { need_python api-tester schemathesis==4.32.5; }
