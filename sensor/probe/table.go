package probe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints a report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Kernel %s on %s. ", r.Kernel, r.Arch)
	if r.Ready {
		b.WriteString("A sensor runs here.\n")
	} else {
		fmt.Fprintf(&b, "A sensor does not run here.\n%s\n%s\n", r.Why, r.Hint)
	}
	if r.Cgroup == "" {
		b.WriteString("No cgroup v2 tree is mounted: connections, binds and DNS would not be seen.\n")
	}
	if len(r.Hooks) > 0 {
		b.WriteString("\n")
		t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
		_, _ = fmt.Fprintln(t, "WHAT IS SEEN\tBY\tINSTEAD OF\tWHY")
		for _, h := range r.Hooks {
			runs := h.Runs
			if runs == "" {
				runs = "nothing"
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", h.Sees, runs, dash(h.Better), dash(h.Why))
		}
		_ = t.Flush()
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(t, "THE KERNEL\tALLOWS\tFOR\tWHY NOT")
	for _, f := range r.Features {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", f.Name, yes(f.Allowed), f.For, dash(f.Why))
	}
	_ = t.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
