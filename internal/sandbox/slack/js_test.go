package slack_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// jsApp is a small app on Slack's own JavaScript client: it answers /incident with
// a modal and its submission with a message.
const jsApp = `
const { WebClient } = require('@slack/web-api');
const { SocketModeClient } = require('@slack/socket-mode');
const [, url, bot, app, channel] = process.argv;
const opts = { slackApiUrl: url + '/api/' };
const web = new WebClient(bot, opts);
const socket = new SocketModeClient({ appToken: app, clientOptions: opts });
socket.on('slash_commands', async ({ body, ack }) => {
  await web.views.open({ trigger_id: body.trigger_id, view: { type: 'modal', callback_id: 'js',
    title: { type: 'plain_text', text: 'From JS' }, submit: { type: 'plain_text', text: 'Go' },
    blocks: [{ type: 'input', block_id: 'b', label: { type: 'plain_text', text: 'Title' }, element: { type: 'plain_text_input', action_id: 'a' } }] } });
  await ack();
});
socket.on('interactive', async ({ body, ack }) => {
  await ack();
  await web.chat.postMessage({ channel, text: 'heard ' + body.view.state.values.b.a.value });
});
socket.on('message', async ({ event, ack }) => { await ack(); if (!event.bot_id) console.log('MESSAGE ' + event.text); });
socket.on('connected', () => console.log('CONNECTED'));
socket.start().catch((e) => { console.log('FAILED ' + e); process.exit(1); });
`

// Slack's own JavaScript client, unmodified, works against the sandbox.
func TestTheOfficialJavaScriptClient(t *testing.T) {
	dir := os.Getenv("TOCSIN_SLACK_JS")
	if dir == "" {
		t.Skip("TOCSIN_SLACK_JS does not name a folder with @slack/web-api and @slack/socket-mode installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a := socketApp()
	a.Events = []string{"message.channels"}
	w := open(t, slack.Config{App: a})
	room := w.AddChannel("room", false, "alice", "tocsin")
	cmd := exec.CommandContext(ctx, "node", "-e", jsApp, w.url, w.App().BotToken, w.App().AppToken, room)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	await := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the app never said %q", want)
	}
	await("CONNECTED")
	must(t, w.Slash(ctx, "alice", room, "/incident declare"))
	m := w.View("alice", slack.ViewOptions{}).Modal
	if m == nil || m.CallbackID != "js" {
		t.Fatalf("modal %+v", m)
	}
	changes, stop := w.Subscribe()
	defer stop()
	must(t, w.Submit(ctx, "alice", m.ID, map[string]map[string]slack.Input{"b": {"a": {Value: "you"}}}))
	for {
		v := w.View("alice", slack.ViewOptions{Channel: room})
		if n := len(v.Messages); n > 0 && v.Messages[n-1].Text == "heard you" {
			break
		}
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatal("the app posted nothing")
		}
	}
	_, err = w.Post(ctx, "alice", room, "and you?", "")
	must(t, err)
	await("MESSAGE and you?")
}
