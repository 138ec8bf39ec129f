package bot

import (
	"strings"
	"testing"
	"time"
)

// A line made to be slow to read must not hold a surface up.
func TestNoLineIsSlowToRead(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"options": strings.Repeat("asset:a,b ", 1200), "quotes": strings.Repeat("\"a ", 4000), "marks": strings.Repeat("<@ ", 4000),
		"nested": strings.Repeat("<<@U1|", 2000), "words": strings.Repeat("a ", 6000), "key": strings.Repeat("due: ", 2400), "dashes": strings.Repeat("—", 12000),
	} {
		began := time.Now()
		w, err := read(line, true, noon, time.UTC)
		if err != nil {
			t.Fatal(name, err)
		}
		_, _, _ = w.optionWhen(future, "due")
		w.options("asset", "exclude")
		w.flag("private")
		w.rest()
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%s took %v", name, d)
		}
		t.Log(name, time.Since(began))
	}
}
