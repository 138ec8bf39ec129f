package slack

import (
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"unicode/utf8"
)

// The checks Slack's client makes before it submits a modal.

func (p placed) checkText(v string) string {
	if v == "" {
		return ""
	}
	n := utf8.RuneCountInString(v)
	if least, set := p.element["min_length"].(float64); set && n < int(least) {
		return fmt.Sprintf("Please enter at least %d characters.", int(least))
	}
	most := 3000
	if limit, set := p.element["max_length"].(float64); set {
		most = int(limit)
	}
	if n > most {
		return fmt.Sprintf("Please enter no more than %d characters.", most)
	}
	switch p.kind() {
	case "email_text_input":
		if a, err := mail.ParseAddress(v); err != nil || a.Address != v {
			return "Please enter a valid email address."
		}
	case "url_text_input":
		if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" {
			return "Please enter a valid URL."
		}
	case "number_input":
		return p.checkNumber(v)
	}
	return ""
}

func (p placed) checkNumber(v string) string {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return "Please enter a number."
	}
	if decimal, _ := p.element["is_decimal_allowed"].(bool); !decimal && n != float64(int64(n)) {
		return "Please enter a whole number."
	}
	for key, wrong := range map[string]func(limit float64) bool{
		"min_value": func(limit float64) bool { return n < limit },
		"max_value": func(limit float64) bool { return n > limit },
	} {
		text, _ := p.element[key].(string)
		if limit, err := strconv.ParseFloat(text, 64); err == nil && wrong(limit) {
			return "Please enter a number within the limits."
		}
	}
	return ""
}

func (p placed) checkCount(n int) string {
	if most, set := p.element["max_selected_items"].(float64); set && n > int(most) {
		return fmt.Sprintf("Please select no more than %d items.", int(most))
	}
	return ""
}
