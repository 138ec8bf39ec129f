package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Where the app listens, below its base URL.
const (
	PathPagerDuty   = "/pagerduty/webhook"
	PathGitHub      = "/github/webhook"
	PathCommand     = "/slack/command"
	PathInteractive = "/slack/interactive"
	PathEvents      = "/slack/events"
)

// Install installs the app into the workspace by its manifest (JSON). It returns
// what Slack would object to.
func (w *World) Install(manifest []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.manifest = manifest
	return w.install()
}

// Connect tells PagerDuty and GitHub where the app takes webhooks and, without
// Socket Mode, Slack where it takes requests. baseURL is scheme://host:port. It is
// said once: an app that restarts comes back at the same address.
func (w *World) Connect(baseURL string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.app != "" {
		return errors.New("connect the sandbox: it is connected already")
	}
	w.app = strings.TrimRight(baseURL, "/")
	w.PagerDuty.AddWebhook(w.app+PathPagerDuty, w.WebhookSecret)
	if _, err := w.GitHub.AddHook(RepoPrivate, w.app+PathGitHub, w.WebhookSecret); err != nil {
		return fmt.Errorf("connect GitHub: %w", err)
	}
	if w.manifest == nil {
		return nil
	}
	return w.install()
}

// App is where the app was said to listen; empty before Connect.
func (w *World) App() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.app
}

// install installs the manifest, with the app's addresses in it where Slack is to
// deliver by HTTP. The caller holds mu.
func (w *World) install() error {
	text := w.manifest
	if w.http && w.app != "" {
		var err error
		if text, err = readdress(text, w.app); err != nil {
			return fmt.Errorf("install the app: %w", err)
		}
	}
	if err := w.Slack.InstallManifest(text); err != nil {
		return fmt.Errorf("install the app: %w", err)
	}
	return nil
}

// readdress puts the app's address into every place of a manifest that takes one.
func readdress(manifest []byte, base string) ([]byte, error) {
	var m map[string]any
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	settings := under(m, "settings")
	settings["socket_mode_enabled"] = false
	under(settings, "event_subscriptions")["request_url"] = base + PathEvents
	interactivity := under(settings, "interactivity")
	interactivity["is_enabled"], interactivity["request_url"] = true, base+PathInteractive
	commands, _ := under(m, "features")["slash_commands"].([]any)
	for _, c := range commands {
		if c, ok := c.(map[string]any); ok {
			c["url"] = base + PathCommand
		}
	}
	return json.Marshal(m)
}

// under is the object below a key, made where there is none.
func under(m map[string]any, key string) map[string]any {
	if o, ok := m[key].(map[string]any); ok {
		return o
	}
	o := map[string]any{}
	m[key] = o
	return o
}
