package templates

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLookFile bounds the file of an answer, in bytes.
const maxLookFile = 1 << 20

// IsCut reports whether a card leaves something out of what is there.
func (l Look) IsCut() bool {
	if len(l.Rows) > maxLookRows {
		return true
	}
	for _, r := range l.Rows {
		if utf8.RuneCountInString(r.Text) > maxLookRow {
			return true
		}
	}
	return false
}

// LookFile is the whole answer as CSV, for the tools that it is taken to: nothing is cut, and
// nothing made harmless to click, since a defanged address is found by none of them. What is made
// harmless is the file itself: hosts wrote what is in it, and one of them may be an intruder's.
// The last rows say what is missing, so that the file alone does not look whole.
func LookFile(l Look) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write := func(at time.Time, host, depth, text string) {
		stamp := ""
		if !at.IsZero() {
			stamp = at.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		_ = w.Write([]string{stamp, cell(host), depth, cell(text)}) // a buffer takes everything
	}
	_ = w.Write([]string{"time", "host", "depth", "what"})
	left := max(l.Total, len(l.Rows))
	for _, r := range l.Rows {
		if w.Flush(); b.Len()+len(r.Text)+len(r.Host) > maxLookFile {
			break
		}
		write(r.At, r.Host, strconv.Itoa(r.Depth), r.Text)
		left--
	}
	if left > 0 {
		write(time.Time{}, "", "", "NOT WHOLE: "+count(left, "row", "rows")+" more are not in this file")
	}
	if n := l.Asked - l.Answered; n > 0 {
		write(time.Time{}, "", "", fmt.Sprintf("NOT WHOLE: %s not answered: %s", count(n, "host has", "hosts have"), strings.Join(l.Silent, ", ")))
	}
	for _, t := range l.Trouble {
		write(time.Time{}, "", "", "NOT WHOLE: "+t)
	}
	w.Flush()
	return b.Bytes()
}

// cell is a text that no spreadsheet takes for a formula and no terminal for an order. See
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.IndexFunc(s, odd) >= 0 {
		var b strings.Builder
		for _, r := range s {
			if odd(r) {
				b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
				continue
			}
			b.WriteRune(r)
		}
		s = b.String()
	}
	if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(s)); strings.ContainsRune("=+-@", first) {
		s = "'" + s
	}
	return s
}

func odd(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) }
