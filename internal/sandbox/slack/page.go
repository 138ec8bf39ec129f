package slack

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Pagination by cursor. A cursor is opaque to the caller: here it is the offset of
// the next page, tied to the method that handed it out.

// span cuts n things to the page asked for: things[from:to].
func (c *call) span(n, fallback, most int) (from, to int, next string, err error) {
	limit := c.number("limit", fallback)
	if limit < 0 || c.has("limit") && c.str("limit") != "" && c.number("limit", -1) < 0 {
		return 0, 0, "", no("invalid_limit")
	}
	if limit == 0 {
		limit = fallback
	}
	limit = min(limit, most)
	if cur := c.str("cursor"); cur != "" {
		from, err = c.offset(cur)
		if err != nil || from > n {
			return 0, 0, "", no("invalid_cursor")
		}
	}
	to = min(n, from+limit)
	if to < n {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + c.method.Name + ":" + strconv.Itoa(to)))
	}
	return from, to, next, nil
}

func (c *call) offset(cursor string) (int, error) {
	b, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	rest, ok := strings.CutPrefix(string(b), "next:"+c.method.Name+":")
	if !ok {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.Atoi(rest)
	if err == nil && n < 0 {
		return 0, strconv.ErrRange
	}
	return n, err
}

func meta(next string) obj { return obj{"next_cursor": next} }
