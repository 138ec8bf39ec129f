//go:build unix

package exec

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const fwToken = "fw-token-nobody-may-see"

// fwctl is an honest command line of a firewall: it knows the token from its environment,
// refuses to set what is set, counts what it really changed, and writes down its
// arguments, each on a line of its own.
const fwctl = `#!/bin/sh
d=${0%/*}
printf '%s\n' "$@" > "$d/args"
echo $# > "$d/count"
env > "$d/env"
[ "$FW_TOKEN" = "` + fwToken + `" ] || { echo "bad token: $FW_TOKEN"; exit 77; }
write=no
[ "$1" = set ] && write=yes
if [ -s "$d/fail" ]; then
  read -r code only < "$d/fail"
  if [ "$only" = all ] || [ $write = yes ]; then echo "not with $FW_TOKEN" >&2; exit "$code"; fi
fi
case "$1" in
show)
  [ "$2" = unknown ] && exit 68
  if [ "$4" = quietly ]; then grep -q blocked "$d/state" && exit 10; exit 11; fi
  cat "$d/state" ;;
dump) echo "rules of $2" ;;
set)
  [ "$(cat "$d/state")" = "$2" ] && exit 65
  [ -e "$d/lie" ] && exit 0
  echo "$2" > "$d/state"
  echo $(( $(cat "$d/changes") + 1 )) > "$d/changes" ;;
flood) while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done ;;
hang) sleep 60 & echo $! > "$d/child"; wait ;;
leave) sleep 60 & echo $! > "$d/child"; echo open ;;
*) exit 64 ;;
esac
`

// wall is a folder with fwctl and what it keeps.
type wall struct {
	t   testing.TB
	dir string
}

func newWall(t testing.TB) *wall {
	w := &wall{t, t.TempDir()}
	w.write("state", "open")
	w.write("changes", "0")
	if err := os.WriteFile(w.path(), []byte(fwctl), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wall) path() string { return filepath.Join(w.dir, "fwctl") }

func (w *wall) write(name, text string) {
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wall) read(name string) string {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

func (w *wall) Changes() int {
	n, _ := strconv.Atoi(w.read("changes"))
	return n
}

func (w *wall) Look() any { return w.read("state") }

func (w *wall) Disturb() {
	w.write("state", "monitored")
	w.write("changes", strconv.Itoa(w.Changes()+1))
}

func (w *wall) Lie() { w.write("lie", "") }

// Fail translates what a vendor would answer into what a command ends with.
func (w *wall) Fail(status, n int, writes bool) {
	code := map[int]int{401: 77, 403: 77, 429: 75, 503: 75, 400: 64, 422: 65}[status]
	if code == 0 {
		code = 1
	}
	only := "all"
	if writes {
		only = "writes"
	}
	if n == 0 {
		_ = os.Remove(filepath.Join(w.dir, "fail"))
		return
	}
	w.write("fail", strconv.Itoa(code)+" "+only)
}

func (w *wall) Secrets() []string { return []string{fwToken} }

func (w *wall) file() string { return strings.ReplaceAll(example, "FWCTL", w.path()) }

const example = `
secrets:
  fw: FW_SECRET
actions:
  - name: fw.block-host
    title: Cut a host off at the firewall
    does: The firewall drops everything from and to the host.
    kind: host
    blast: team
    rights: [fw-operators]
    ttl: 4h
    destroys: the rules that were there
    proof: The firewall is asked in another way.
    example: fw.block-host web-3
    target: {pattern: ".+", help: the name of a host}
    never: [gateway]
    params:
      - {name: zone, help: which side, default: edge, max: 100}
    states: [open, blocked, monitored]
    want: blocked
    plan: "Cut off {target} in {param.zone}."
    done: "{target} is cut off."
    undone: "{target} is as before."
    read:
      run: [FWCTL, show, "{target}"]
      state: output
      codes: {68: no-target}
      env: {FW_TOKEN: "{secret.fw}"}
    verify:
      run: [FWCTL, show, "{target}", "--zone={param.zone}", quietly]
      codes: {10: blocked, 11: open}
      env: {FW_TOKEN: "{secret.fw}"}
      seen: effect
    preserve:
      run: [FWCTL, dump, "{target}"]
      env: {FW_TOKEN: "{secret.fw}"}
    do:
      run: [FWCTL, set, blocked, "{target}", "--zone={param.zone}", "--key={key}"]
      timeout: 5s
      env: {FW_TOKEN: "{secret.fw}", FW_NOTE: "{note}"}
    undo:
      run: [FWCTL, set, "{found}", "{target}"]
      env: {FW_TOKEN: "{secret.fw}"}
`
