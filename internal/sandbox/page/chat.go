package page

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

const (
	defaultMessages = 100
	mostMessages    = 2000 // in one view, however often "load earlier" is pressed
)

// chatRoutes are what a person's Slack client does, one door per verb.
func (s *site) chatRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/view", s.view)
	verb(mux, "post", func(ctx context.Context, in said) (any, error) {
		ts, err := s.Slack.Post(ctx, in.User, in.Channel, in.Text, in.ThreadTS)
		return map[string]string{"ts": ts}, err
	})
	verb(mux, "edit", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.Edit(ctx, in.User, in.Channel, in.TS, in.Text)
	})
	verb(mux, "delete", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.Delete(ctx, in.User, in.Channel, in.TS)
	})
	verb(mux, "slash", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.Slash(ctx, in.User, in.Channel, in.Text)
	})
	verb(mux, "click", func(ctx context.Context, in pressed) (any, error) {
		return nil, s.Slack.Click(ctx, in.User, in.click())
	})
	verb(mux, "submit", func(ctx context.Context, in submitted) (any, error) {
		return nil, s.Slack.Submit(ctx, in.User, in.ViewID, in.State)
	})
	verb(mux, "close", func(ctx context.Context, in submitted) (any, error) {
		return nil, s.Slack.CloseModal(ctx, in.User, in.ViewID)
	})
	verb(mux, "shortcut", func(ctx context.Context, in shortcut) (any, error) {
		return nil, s.Slack.Shortcut(ctx, in.User, in.CallbackID, in.On)
	})
	verb(mux, "react", func(ctx context.Context, in marked) (any, error) {
		return nil, s.Slack.React(ctx, in.User, in.Channel, in.TS, in.Emoji, in.Add)
	})
	verb(mux, "pin", func(ctx context.Context, in marked) (any, error) {
		return nil, s.Slack.Pin(ctx, in.User, in.Channel, in.TS, in.Add)
	})
	verb(mux, "join", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.Join(ctx, in.User, in.Channel)
	})
	verb(mux, "leave", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.Leave(ctx, in.User, in.Channel)
	})
	verb(mux, "home", func(ctx context.Context, in said) (any, error) {
		return nil, s.Slack.OpenHome(ctx, in.User)
	})
	verb(mux, "read", func(_ context.Context, in said) (any, error) {
		s.Slack.Read(in.User, in.Channel, in.TS)
		return nil, nil
	})
	verb(mux, "dm", func(_ context.Context, in direct) (any, error) {
		return map[string]string{"channel": s.Slack.DM(in.User, in.Other)}, nil
	})
}

// said is the request of everything that names a channel and perhaps a message.
type said struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
}

type pressed struct {
	User      string   `json:"user"`
	Channel   string   `json:"channel"`
	MessageTS string   `json:"message_ts"`
	ViewID    string   `json:"view_id"`
	BlockID   string   `json:"block_id"`
	ActionID  string   `json:"action_id"`
	Value     string   `json:"value"`
	Values    []string `json:"values"`
	Confirmed bool     `json:"confirmed"`
}

func (p pressed) click() slack.Click {
	return slack.Click{
		Channel: p.Channel, MessageTS: p.MessageTS, ViewID: p.ViewID, BlockID: p.BlockID,
		ActionID: p.ActionID, Value: p.Value, Values: p.Values, Confirmed: p.Confirmed,
	}
}

type submitted struct {
	User   string                            `json:"user"`
	ViewID string                            `json:"view_id"`
	State  map[string]map[string]slack.Input `json:"state"`
}

type shortcut struct {
	User       string            `json:"user"`
	CallbackID string            `json:"callback_id"`
	On         *slack.MessageRef `json:"on"`
}

type marked struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Emoji   string `json:"emoji"`
	Add     bool   `json:"add"`
}

type direct struct {
	User  string `json:"user"`
	Other string `json:"other"`
}

// verb opens POST /api/<name>: it reads an In, does the work and says what a client
// would say when the work is refused.
func verb[In any](mux *http.ServeMux, name string, do func(context.Context, In) (any, error)) {
	mux.HandleFunc("POST /api/"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if !ask(w, r, &in) {
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			deny(w, err)
			return
		}
		if out == nil {
			out = struct{}{}
		}
		answer(w, out)
	})
}

// deny turns a client's error into what the page shows. These errors are sentences
// for the person; the sandbox holds no secret they could give away.
func deny(w http.ResponseWriter, err error) {
	var (
		wants  *slack.ErrConfirm
		fields *slack.FieldErrors
		client *slack.Error
	)
	switch {
	case errors.As(err, &wants):
		c := confirm(*wants)
		refuse(w, http.StatusConflict, problem{Code: "confirm", Text: wants.Title, Confirm: &c})
	case errors.As(err, &fields):
		refuse(w, http.StatusUnprocessableEntity, problem{Code: "fields", Text: "Some fields need another look.", Fields: fields.Fields})
	case errors.As(err, &client):
		refuse(w, http.StatusUnprocessableEntity, problem{Code: client.Code, Text: client.Error()})
	default:
		refuse(w, http.StatusUnprocessableEntity, problem{Code: "refused", Text: err.Error()})
	}
}

// view answers with what one person sees.
func (s *site) view(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		limit = defaultMessages
	}
	answer(w, s.Slack.View(q.Get("user"), slack.ViewOptions{
		Channel: q.Get("channel"),
		Limit:   min(limit, mostMessages),
		Before:  q.Get("before"),
	}))
}
