//go:build !solo

package app

import (
	"context"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/api"
	"github.com/tocsin-ir/tocsin/internal/screen"
	"github.com/tocsin-ir/tocsin/templates"
)

// mountAPI opens the second way in, for people with tokens. The returned function ends
// what is followed, so that the server can close.
func (a *App) mountAPI(mux *http.ServeMux) func() {
	server := api.New(house{a}, looksLikeToken, a.log)
	mux.Handle(server.Path, server)
	return server.Close
}

// house is the App as package api asks for it.
type house struct{ app *App }

// Identify says whose token it is.
func (h house) Identify(ctx context.Context, token string) (api.Bearer, error) {
	who, t, err := h.app.bearerOf(ctx, token)
	if err != nil {
		return api.Bearer{}, err
	}
	return api.Bearer{Person: who, Token: t.ID, Expires: t.Expires}, nil
}

// Say carries out a line. The command's id names the person and the words, so that
// nobody can take another's id, nor be told of other words than they said.
func (h house) Say(ctx context.Context, who api.Bearer, line, key string) (api.Answer, error) {
	id := commandOf(who.Person.ID, line, key)
	reply, err := h.app.Say(ctx, who.Person, incident.ViaAPI, line, id)
	if err != nil {
		return api.Answer{}, err
	}
	a := api.Answer{Text: templates.Terminal(reply.Card), Incident: reply.Stream}
	if reply.Refused != nil {
		a.Refused = reply.Refused.Code
	}
	if reply.Asked {
		a.Root = id
	}
	return a, nil
}

// Follow tells what comes of an answer.
func (h house) Follow(ctx context.Context, who api.Bearer, a api.Answer, tell func(screen.Line) error) ([]string, error) {
	if a.Root == "" || a.Refused != "" {
		return nil, nil
	}
	return h.app.Follow(ctx, who.Person, a.Incident, a.Root, tell)
}

// asksAgain is how often a watcher's standing is looked at; their token always is.
const asksAgain = 15 * time.Second

// Watch shows an incident for as long as the token is good and its owner a member.
func (h house) Watch(ctx context.Context, who api.Bearer, incident string, tell func(*screen.View, time.Time) error) error {
	asked := time.Now()
	still := func(ctx context.Context) error {
		if time.Since(asked) < asksAgain {
			_, err := h.app.tokenStill(ctx, who.Token)
			return err
		}
		asked = time.Now()
		t, err := h.app.tokenStill(ctx, who.Token)
		if err == nil {
			_, err = h.app.ownerOf(ctx, t)
		}
		return err
	}
	return h.app.Watch(ctx, who.Person, incident, still, tell)
}
