package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// phase is where a zone's own rules run
// (https://developers.cloudflare.com/ruleset-engine/reference/phases-list/).
const phase = "http_request_firewall_custom"

const maxRules = 5 // custom rules of a zone on the free plan

var levels = []string{"off", "essentially_off", "low", "medium", "high", "under_attack"}

func (s *Server) zone(w http.ResponseWriter, r *http.Request, parts []string, in json.RawMessage) {
	if len(parts) == 0 {
		fits := slices.DeleteFunc(slices.Clone(s.world.Zones), func(z Zone) bool { return r.URL.Query().Has("name") && z.Name != r.URL.Query().Get("name") })
		paged(w, r, fits)
		return
	}
	at := slices.IndexFunc(s.world.Zones, func(z Zone) bool { return z.ID == parts[0] })
	if at < 0 {
		refuse(w, http.StatusNotFound, 1049)
		return
	}
	id, below := parts[0], strings.Join(parts[1:], "/")
	set := s.world.Rulesets[id]
	switch {
	case below == "":
		answer(w, s.world.Zones[at])
	case below == "settings/security_level" && r.Method == http.MethodGet:
		answer(w, map[string]any{"id": "security_level", "value": s.world.Levels[id], "editable": true})
	case below == "settings/security_level":
		var to struct{ Value string }
		_ = json.Unmarshal(in, &to)
		if !slices.Contains(levels, to.Value) {
			refuse(w, http.StatusBadRequest, 1007)
			return
		}
		if to.Value != s.world.Levels[id] && s.keeps() {
			s.world.Levels[id] = to.Value
		}
		answer(w, map[string]any{"id": "security_level", "value": to.Value})
	case below == "rulesets/phases/"+phase+"/entrypoint" && set != nil:
		answer(w, set)
	case below == "rulesets" && r.Method == http.MethodPost && set == nil:
		var made Ruleset
		_ = json.Unmarshal(in, &made)
		if s.keeps() {
			s.world.Rulesets[id] = &Ruleset{ID: "ruleset-" + id[:4]}
			s.add(w, id, made.Rules[0], 1)
			return
		}
		answer(w, made)
	case set != nil && strings.HasPrefix(below, "rulesets/"+set.ID+"/rules"):
		s.rule(w, r, id, strings.TrimPrefix(below, "rulesets/"+set.ID+"/rules"), in)
	default:
		refuse(w, http.StatusNotFound, 10003)
	}
}

func (s *Server) rule(w http.ResponseWriter, r *http.Request, zone, below string, in json.RawMessage) {
	set := s.world.Rulesets[zone]
	if r.Method == http.MethodDelete {
		at := slices.IndexFunc(set.Rules, func(x Rule) bool { return "/"+x.ID == below })
		if at < 0 {
			refuse(w, http.StatusNotFound, 10004)
			return
		}
		if s.keeps() {
			set.Rules = slices.Delete(set.Rules, at, at+1)
		}
		answer(w, set)
		return
	}
	var add struct {
		Rule
		Position struct{ Index int } `json:"position"`
	}
	_ = json.Unmarshal(in, &add)
	if len(set.Rules) >= maxRules || slices.ContainsFunc(set.Rules, func(x Rule) bool { return x.Ref == add.Ref }) {
		refuse(w, http.StatusBadRequest, 20217)
		return
	}
	if s.keeps() {
		s.add(w, zone, add.Rule, add.Position.Index)
		return
	}
	answer(w, set)
}

func (s *Server) add(w http.ResponseWriter, zone string, r Rule, index int) {
	s.world.Made++
	r.ID = fmt.Sprint("made", s.world.Made)
	set := s.world.Rulesets[zone]
	at := len(set.Rules)
	if index > 0 {
		at = min(index-1, at)
	}
	set.Rules = slices.Insert(set.Rules, at, r)
	answer(w, set)
}
