//go:build solo

package app

import (
	"net/http"

	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
)

// mountAPI does nothing: this build has no API.
func (a *App) mountAPI(*http.ServeMux) func() { return func() {} }

// apiHooks are none: this build has no API.
func (d *Demo) apiHooks() map[string]story.Hook { return nil }
