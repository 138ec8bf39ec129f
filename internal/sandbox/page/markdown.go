package page

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

const maxMarkdown = 256 << 10 // bytes; GitHub keeps bodies under 65,536 characters

// GitHub's flavour: tables, task lists, strikethrough, bare links. Raw HTML stays
// off, and goldmark drops javascript: and other scripting addresses itself. Table
// alignment goes into the align attribute because the page forbids inline styles.
var flavour = goldmark.New(goldmark.WithExtensions(
	extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
	extension.Strikethrough, extension.Linkify, extension.TaskList,
))

// markdown renders an issue's body to HTML that is safe to put into the page.
func markdown(body string) string {
	if len(body) > maxMarkdown {
		body = body[:maxMarkdown]
	}
	var out bytes.Buffer
	if err := flavour.Convert([]byte(body), &out); err != nil {
		return ""
	}
	return out.String()
}
