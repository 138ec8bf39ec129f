package slack

import (
	"slices"
	"time"
)

const (
	maxView   = 250_000 // bytes of a view
	maxStack  = 3       // modals on top of each other
	maxHidden = 3000    // runes of private_metadata
)

// view is an open modal or a published home tab.
type view struct {
	id, user string
	def      obj // as the app sent it, ids filled in
	hash     string
	root     string
	previous string
	errors   map[string]string
	picked   values // what this person has entered or picked so far
	born     time.Time
}

// values is view.state.values: block id -> action id -> state.
type values map[string]map[string]obj

func viewMethods() []Method {
	bad := []string{"invalid_arguments", "view_too_large", "duplicate_external_id"}
	triggers := []string{"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"}
	return []Method{
		{Name: "views.open", Tier: 4, Errors: slices.Concat(bad, triggers), do: openView},
		{Name: "views.push", Tier: 4, Errors: slices.Concat(bad, triggers, []string{"push_limit_reached"}), do: pushView},
		{Name: "views.update", Tier: 4, Errors: append(slices.Clone(bad), "not_found", "hash_conflict"), do: updateView},
		{Name: "views.publish", Tier: 4, Errors: append(slices.Clone(bad), "user_not_found", "hash_conflict", "not_enabled"), do: publishView},
	}
}

// judgeView checks a view and returns it with its ids filled in.
func judgeView(v any, ok bool, on surface) (obj, error) {
	def, isObject := v.(obj)
	if !ok || !isObject {
		return nil, noWith("invalid_arguments", "[ERROR] must be a valid view object [json-pointer:/view]")
	}
	if len(raw(def)) > maxView {
		return nil, no("view_too_large")
	}
	j := &judge{on: on, ids: map[string]bool{}}
	want := map[surface]string{onModal: "modal", onHome: "home"}[on]
	if def["type"] != want {
		j.wrong("/view/type", "must be %s", want)
	}
	j.str("/view", def, "private_metadata", 0, maxHidden)
	j.str("/view", def, "callback_id", 0, maxID)
	j.str("/view", def, "external_id", 0, maxID)
	if on == onModal {
		j.only("/view", def, "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id",
			"clear_on_close", "notify_on_close", "submit_disabled")
		j.text("/view/title", def["title"], 1, 24, plainOnly)
		for _, key := range []string{"submit", "close"} {
			if def[key] != nil {
				j.text("/view/"+key, def[key], 1, 24, plainOnly)
			}
		}
	} else { // the home tab ignores a title and buttons
		j.only("/view", def, "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id",
			"clear_on_close", "notify_on_close", "submit_disabled")
	}
	list, isList := def["blocks"].([]any)
	if !isList {
		j.wrong("/view", "missing required field: blocks")
	}
	blocks, allObjects := j.blocks("/view/blocks", list)
	if !allObjects {
		j.wrong("/view/blocks", "must hold objects only")
	}
	if on == onModal && j.inputs > 0 && def["submit"] == nil {
		j.wrong("/view", "`submit` is required when an `input` block is within the `blocks` array")
	}
	if len(j.problems) > 0 {
		return nil, noWith("invalid_arguments", j.problems...)
	}
	if blocks == nil {
		blocks = []any{}
	}
	return with(def, "blocks", blocks), nil
}

func (c *call) view(on surface) (obj, error) {
	v, ok := c.json("view")
	return judgeView(v, ok, on)
}

func openView(s *Server, c *call) (obj, error) {
	def, err := c.view(onModal)
	if err != nil {
		return nil, err
	}
	t, err := s.exchange(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	if s.externalTaken(def, nil) {
		return nil, no("duplicate_external_id")
	}
	t.used = true
	for _, id := range s.stacks[t.user] {
		delete(s.views, id)
	}
	s.stacks[t.user] = nil
	return obj{"view": s.viewObject(s.stackView(t.user, def))}, nil
}

func pushView(s *Server, c *call) (obj, error) {
	def, err := c.view(onModal)
	if err != nil {
		return nil, err
	}
	t, err := s.exchange(c.str("trigger_id"))
	switch {
	case err != nil:
		return nil, err
	case t.from == "" || len(s.stacks[t.user]) == 0: // pressed outside any modal
		return nil, no("invalid_trigger_id")
	case len(s.stacks[t.user]) >= maxStack:
		return nil, no("push_limit_reached")
	case s.externalTaken(def, nil):
		return nil, no("duplicate_external_id")
	}
	t.used = true
	return obj{"view": s.viewObject(s.stackView(t.user, def))}, nil
}

// stackView puts a new modal on top of a person's stack.
func (s *Server) stackView(user string, def obj) *view {
	clip(s.views, func(v *view) time.Time { return v.born })
	v := &view{id: s.id("V"), user: user, def: def, hash: s.hash(), born: time.Now(), picked: values{}}
	v.root = v.id
	if stack := s.stacks[user]; len(stack) > 0 {
		v.root, v.previous = stack[0], stack[len(stack)-1]
	}
	s.views[v.id] = v
	s.stacks[user] = append(slices.Clone(s.stacks[user]), v.id)
	s.changed()
	return v
}

func (s *Server) hash() string { return s.eventTS() + "." + random(8) }

func (s *Server) externalTaken(def obj, but *view) bool {
	ext, _ := def["external_id"].(string)
	if ext == "" {
		return false
	}
	for _, v := range s.views {
		if v != but && v.def["external_id"] == ext {
			return true
		}
	}
	return false
}

func updateView(s *Server, c *call) (obj, error) {
	v := s.views[c.str("view_id")]
	if ext := c.str("external_id"); v == nil && ext != "" {
		for _, other := range s.views {
			if other.def["external_id"] == ext {
				v = other
			}
		}
	}
	if v == nil {
		return nil, no("not_found")
	}
	on := onModal
	if v.def["type"] == "home" {
		on = onHome
	}
	def, err := c.view(on)
	switch {
	case err != nil:
		return nil, err
	case c.str("hash") != "" && c.str("hash") != v.hash:
		return nil, no("hash_conflict")
	case s.externalTaken(def, v):
		return nil, no("duplicate_external_id")
	}
	s.replaceView(v, def)
	return obj{"view": s.viewObject(v)}, nil
}

// replaceView shows def in place of what v showed. What a person entered is kept
// where block_id and action_id stay the same.
func (s *Server) replaceView(v *view, def obj) {
	v.def, v.hash, v.errors = def, s.hash(), nil
	s.changed()
}

func publishView(s *Server, c *call) (obj, error) {
	def, err := c.view(onHome)
	if err != nil {
		return nil, err
	}
	u := s.users[c.str("user_id")]
	switch {
	case u == nil || u.Deleted:
		return nil, no("user_not_found")
	case !s.app.HomeTab:
		return nil, no("not_enabled")
	}
	old := s.homes[u.ID]
	if old != nil && c.str("hash") != "" && c.str("hash") != old.hash {
		return nil, no("hash_conflict")
	}
	if s.externalTaken(def, old) {
		return nil, no("duplicate_external_id")
	}
	if old == nil {
		old = &view{id: s.id("V"), user: u.ID, born: time.Now(), picked: values{}}
		old.root = old.id
		s.homes[u.ID] = old
		s.views[old.id] = old
	}
	s.replaceView(old, def)
	return obj{"view": s.viewObject(old)}, nil
}

// viewObject is the view as the app gets it, state included.
func (s *Server) viewObject(v *view) obj {
	o := obj{
		"id": v.id, "team_id": s.team.ID, "hash": v.hash, "root_view_id": v.root, "previous_view_id": nil,
		"app_id": s.app.AppID, "bot_id": s.botID, "app_installed_team_id": s.team.ID,
		"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false,
		"submit": nil, "close": nil, "state": obj{"values": s.stateValues(v.def["blocks"], v.picked)},
	}
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	for k, val := range v.def {
		o[k] = val
	}
	return o
}
