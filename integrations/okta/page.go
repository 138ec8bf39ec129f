package okta

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/actions/rest"
)

const (
	perPage  = 200
	maxPages = 20
)

// list reads all pages of a collection, up to maxPages; more says that there were more.
func list[T any](ctx context.Context, o *okta, call rest.Call) (all []T, more bool, err error) {
	if call.Query == nil {
		call.Query = url.Values{"limit": {"200"}}
	}
	for range maxPages {
		var page []T
		call.Out = &page
		h, err := o.rest.Do(ctx, call)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page...)
		after := next(h)
		if after == "" {
			return all, false, nil
		}
		call.Query.Set("after", after)
	}
	return all, true, nil
}

// next is the cursor of the next page, out of the Link header (RFC 8288). Only the cursor
// is taken: the address beside it could lead the token to another host.
func next(h http.Header) string {
	for _, v := range h.Values("Link") {
		for link := range strings.SplitSeq(v, ",") {
			target, rest, ok := strings.Cut(strings.TrimSpace(link), ">")
			if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(rest, `rel="next"`) {
				continue
			}
			if u, err := url.Parse(target[1:]); err == nil {
				return u.Query().Get("after")
			}
		}
	}
	return ""
}
