package story

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // of a forger
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// posts sends the app a request as a vendor would, or as somebody who pretends to be
// one: unsigned, signed with another secret, or signed long ago.
func posts(ctx context.Context, p *Player, a args) error {
	base := p.World.App()
	if base == "" {
		return errors.New("the world was not connected to the app")
	}
	how := a["unsigned"]
	times := 1
	if how == "twice" {
		times = 2
	}
	header := p.signature(a["path"], a["text"], how)
	p.posted = posting{base + a["path"], a["text"], header}
	for range times {
		if err := p.postOnce(ctx, base+a["path"], a["text"], header); err != nil {
			return fmt.Errorf("post to %s: %w", a["path"], err)
		}
	}
	return nil
}

func (p *Player) postOnce(ctx context.Context, url, body string, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	p.answered, p.told = resp.StatusCode, string(answer)
	return err
}

// posting is a request as it was sent.
type posting struct {
	url, body string
	header    http.Header
}

// signature is what a vendor's request to that path carries.
func (p *Player) signature(path, body, how string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	secret := p.World.WebhookSecret
	fromSlack := strings.HasPrefix(path, "/slack/")
	if fromSlack {
		secret = p.World.SigningSecret
		if !strings.HasPrefix(body, "{") {
			h.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	switch how {
	case "unsigned":
		return h
	case "forged":
		secret = "not " + secret
	}
	if !fromSlack {
		mac := sign(secret, body)
		if how == "sha1" { // what GitHub still sends beside the better one
			m := hmac.New(sha1.New, []byte(secret))
			m.Write([]byte(body))
			h.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(m.Sum(nil)))
			h.Set("X-GitHub-Event", "issues")
			return h
		}
		if strings.HasPrefix(path, "/github/") {
			h.Set("X-Hub-Signature-256", "sha256="+mac)
			h.Set("X-GitHub-Event", "issues")
			h.Set("X-GitHub-Delivery", "00000000-0000-4000-8000-000000000001")
			return h
		}
		h.Set("X-PagerDuty-Signature", "v1="+mac)
		h.Set("X-Webhook-Id", "00000000-0000-4000-8000-000000000001")
		return h
	}
	at := time.Now() // Slack's stamps are real time, as slack.Server's are
	if how == "stale" {
		at = at.Add(-10 * time.Minute)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("X-Slack-Request-Timestamp", stamp)
	h.Set("X-Slack-Signature", "v0="+sign(secret, "v0:"+stamp+":"+body))
	return h
}

func sign(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}
