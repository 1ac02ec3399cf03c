#!/usr/bin/env bash
# Makes the compressed files of this folder again from the pinned packages. A new version: change its number here, run, look at both pages.
set -euo pipefail
cd "$(dirname "$0")"
SWAGGER=swagger-ui-dist@5.35.0
REDOC=redoc@2.5.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/swagger" "$work/redoc"
tar -xzf "$work/$(cd "$work" && npm pack --silent "$SWAGGER")" -C "$work/swagger" --strip-components 1
tar -xzf "$work/$(cd "$work" && npm pack --silent "$REDOC")" -C "$work/redoc" --strip-components 1

# pack SOURCE NAME: without the pointer to a source map that is not there, which stands in a line of its own.
pack() { sed '/^\/[/*]# sourceMappingURL=/d' "$1" | gzip -9n >"$2.gz"; }
pack "$work/swagger/swagger-ui-bundle.js" swagger-ui.js
pack "$work/swagger/swagger-ui.css" swagger-ui.css
# Its logo would come from its maker's server. Where there is no picture it shows none.
sed -i 's|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|' "$work/redoc/bundles/redoc.standalone.js"
pack "$work/redoc/bundles/redoc.standalone.js" redoc.js
{
  echo "$SWAGGER, Apache-2.0"; cat "$work/swagger/NOTICE" "$work/swagger/LICENSE" "$work/swagger/swagger-ui-bundle.js.LICENSE.txt"
  echo; echo "$REDOC, MIT"; cat "$work/redoc/LICENSE" "$work/redoc/bundles/redoc.standalone.js.LICENSE.txt"
} >"$work/licences.txt"
pack "$work/licences.txt" licences.txt
