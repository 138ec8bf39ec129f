package fault

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// wireRule is a Rule in JSON: durations in Go's notation ("2s").
type wireRule struct {
	Vendor     string     `json:"vendor,omitempty"`
	Method     string     `json:"method,omitempty"`
	Kind       Kind       `json:"kind"`
	Delay      string     `json:"delay,omitempty"`
	RetryAfter string     `json:"retry_after,omitempty"`
	Status     int        `json:"status,omitempty"`
	Code       string     `json:"code,omitempty"`
	Times      int        `json:"times,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
	Share      float64    `json:"share,omitempty"`
}

// MarshalJSON writes snake_case keys and durations such as "2s".
func (r Rule) MarshalJSON() ([]byte, error) {
	w := wireRule{
		Vendor: r.Vendor, Method: r.Method, Kind: r.Kind, Status: r.Status,
		Code: r.Code, Times: r.Times, Share: r.Share,
	}
	if r.Delay > 0 {
		w.Delay = r.Delay.String()
	}
	if r.RetryAfter > 0 {
		w.RetryAfter = r.RetryAfter.String()
	}
	if !r.Until.IsZero() {
		w.Until = &r.Until
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes and refuses an unknown kind.
func (r *Rule) UnmarshalJSON(b []byte) error {
	var w wireRule
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if !slices.Contains(Kinds(), w.Kind) {
		return fmt.Errorf("unknown fault kind %q", w.Kind)
	}
	out := Rule{
		Vendor: w.Vendor, Method: w.Method, Kind: w.Kind, Status: w.Status,
		Code: w.Code, Times: w.Times, Share: w.Share,
	}
	if w.Until != nil {
		out.Until = *w.Until
	}
	var err error
	if out.Delay, err = duration(w.Delay); err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	if out.RetryAfter, err = duration(w.RetryAfter); err != nil {
		return fmt.Errorf("retry_after: %w", err)
	}
	*r = out
	return nil
}

func duration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		return 0, fmt.Errorf("%s is negative", s)
	}
	return d, err
}
