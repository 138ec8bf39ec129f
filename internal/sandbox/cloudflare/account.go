package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) gateway(w http.ResponseWriter, r *http.Request, parts []string, in json.RawMessage) {
	switch r.Method {
	case http.MethodGet:
		answer(w, s.world.Policies)
	case http.MethodPost:
		var p Policy
		_ = json.Unmarshal(in, &p)
		if slices.ContainsFunc(s.world.Policies, func(x Policy) bool { return x.Name == p.Name }) || !strings.HasPrefix(p.Traffic, "any(dns.domains[*] ==") {
			refuse(w, http.StatusBadRequest, 2020)
			return
		}
		if s.keeps() {
			s.world.Made++
			p.ID = fmt.Sprint("made", s.world.Made)
			s.world.Policies = append(s.world.Policies, p)
		}
		answer(w, p)
	default:
		at := slices.IndexFunc(s.world.Policies, func(x Policy) bool { return len(parts) == 1 && x.ID == parts[0] })
		if at < 0 {
			refuse(w, http.StatusNotFound, 2023)
			return
		}
		if s.keeps() {
			s.world.Policies = slices.Delete(s.world.Policies, at, at+1)
		}
		answer(w, nil)
	}
}

func (s *Server) token(w http.ResponseWriter, r *http.Request, parts []string) {
	if len(parts) == 0 {
		paged(w, r, s.world.Tokens)
		return
	}
	if parts[0] == "verify" {
		answer(w, map[string]any{"id": s.world.Self, "status": "active"})
		return
	}
	at := slices.IndexFunc(s.world.Tokens, func(t map[string]any) bool { return t["id"] == parts[0] })
	switch {
	case at < 0:
		refuse(w, http.StatusNotFound, 1001)
	case r.Method == http.MethodPut && len(parts) == 2 && parts[1] == "value":
		if s.keeps() {
			s.world.Made++
			s.world.Tokens[at]["modified_on"] = fmt.Sprintf("2026-11-02T00:00:%02dZ", s.world.Made)
		}
		answer(w, s.conf.NewValue)
	default:
		answer(w, s.world.Tokens[at])
	}
}
