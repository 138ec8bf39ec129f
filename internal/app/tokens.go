package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// A token is tocsin_pat_, its id, and 260 random bits. The prefix lets scanners of
// code and chat find one that went where it should not. Nobody can guess it and there
// is no list of likely ones, so a plain SHA-256 protects it as well as a slow hash for
// passwords would, and costs a request nothing.
const tokenPrefix = "tocsin_pat_"

var tokenShape = regexp.MustCompile(`^` + tokenPrefix + `([a-z2-7]{10})_[A-Z2-7]{52}$`)

// How long a token may be good for.
const (
	TokenDefault = 90 * 24 * time.Hour
	TokenMost    = 366 * 24 * time.Hour
)

// looksLikeToken reports whether a text could be a token at all.
func looksLikeToken(text string) bool { return tokenShape.MatchString(text) }

// MakeToken makes a token for a member of the workspace. The text is given this once;
// only its hash is kept.
func (a *App) MakeToken(ctx context.Context, person, name string, good time.Duration) (text string, t store.Token, err error) {
	who, err := a.PersonNamed(ctx, person)
	if err != nil {
		return "", store.Token{}, err
	}
	if who.Standing != incident.Member {
		return "", store.Token{}, fmt.Errorf("%s is %s here: only members of the workspace get a token", templates.Label(person, 80), who.Standing)
	}
	if good <= 0 || good > TokenMost {
		return "", store.Token{}, errors.New("a token is good for between a moment and 366 days")
	}
	if len(name) > 80 {
		return "", store.Token{}, errors.New("a token's name has at most 80 bytes")
	}
	now := a.clock.Now()
	t = store.Token{
		ID: strings.ToLower(rand.Text()[:10]), Person: who.ID, Name: templates.Label(name, 80),
		Made: now, Expires: now.Add(good),
	}
	text = tokenPrefix + t.ID + "_" + rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(text))
	t.Hash = sum[:]
	if err := a.db.AddToken(ctx, t); err != nil {
		return "", store.Token{}, err
	}
	a.log.Info("a token was made", "token", t.ID, "person", t.Person, "expires", t.Expires)
	return text, t, nil
}

// Tokens are all tokens ever made.
func (a *App) Tokens(ctx context.Context) ([]store.Token, error) { return a.db.Tokens(ctx) }

// RevokeToken ends a token; false when there is none or it was revoked before.
func (a *App) RevokeToken(ctx context.Context, id string) (bool, error) {
	ok, err := a.db.RevokeToken(ctx, id, a.clock.Now())
	if ok {
		a.log.Info("a token was revoked", "token", id)
	}
	return ok, err
}

// bearerOf says whose a token is, with their standing as in Slack. Anything but a good
// token of a member is an *incident.Refusal; why is told only to whoever has it.
func (a *App) bearerOf(ctx context.Context, text string) (incident.Person, store.Token, error) {
	shape := tokenShape.FindStringSubmatch(text)
	if shape == nil {
		return incident.Person{}, store.Token{}, badToken("I do not know this token.")
	}
	t, ok, err := a.db.Token(ctx, shape[1])
	if err != nil {
		return incident.Person{}, t, err
	}
	sum := sha256.Sum256([]byte(text))
	if !ok || subtle.ConstantTimeCompare(sum[:], t.Hash) != 1 {
		return incident.Person{}, t, badToken("I do not know this token.")
	}
	if err := a.inForce(t); err != nil {
		return incident.Person{}, t, err
	}
	who, err := a.ownerOf(ctx, t)
	if err != nil {
		return incident.Person{}, t, err
	}
	if err := a.db.TokenUsed(ctx, t, a.clock.Now()); err != nil {
		a.log.Warn("note a token's use", "error", err)
	}
	return who, t, nil
}

// tokenStill looks again at a token that was good before.
func (a *App) tokenStill(ctx context.Context, id string) (store.Token, error) {
	t, ok, err := a.db.Token(ctx, id)
	if err == nil && !ok {
		err = badToken("I do not know this token.")
	}
	if err == nil {
		err = a.inForce(t)
	}
	return t, err
}

func (a *App) inForce(t store.Token) error {
	switch {
	case !t.Revoked.IsZero():
		return badToken("This token was revoked " + templates.Stamp(t.Revoked) + ".")
	case !t.Good(a.clock.Now()):
		return badToken("This token expired " + templates.Stamp(t.Expires) + ".")
	}
	return nil
}

func badToken(why string) error {
	return incident.Refuse("bad-token", why, "An operator makes another: tocsin token create")
}

// ownerOf is the member whose token it is. The token of somebody deactivated is
// revoked, so that it stays so when Slack does not answer, or knows them again.
func (a *App) ownerOf(ctx context.Context, t store.Token) (incident.Person, error) {
	who, err := a.people.byID(ctx, t.Person)
	switch {
	case err != nil:
		return incident.Person{}, err
	case who.Standing == incident.Deactivated:
		if _, err := a.RevokeToken(ctx, t.ID); err != nil {
			a.log.Error("revoke the token of somebody deactivated", "token", t.ID, "error", err)
		}
		return incident.Person{}, incident.Refuse("deactivated", "This account is deactivated.", "")
	case who.Standing != incident.Member:
		return incident.Person{}, incident.Refuse("not-a-member", "Only members of the workspace can work on incidents.", "Ask a member to say it for you.")
	}
	return who, nil
}

// commandOf names an asking by who asks, what, and the key they chose.
func commandOf(who incident.PersonID, line, key string) incident.CommandID {
	sum := sha256.Sum256([]byte(line))
	return incident.CommandID(fmt.Sprintf("api:%s:%s:%x", who, key, sum[:6]))
}

// slackPatience is how long the way that must work without Slack waits for Slack.
const slackPatience = 2 * time.Second

// byID finds a person by their id. Slack is asked about their standing; while it does
// not answer in time what it last said holds, as in BySlack.
func (d *people) byID(ctx context.Context, id incident.PersonID) (incident.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, slackPatience)
	defer cancel()
	if who, ok := d.plan().ByID(id); ok {
		return d.withStanding(ctx, who)
	}
	return d.BySlack(ctx, string(id))
}
