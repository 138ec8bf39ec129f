package intel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const maxLine = 8 << 10 // bytes

// List reads a plain list: one indicator a line, of any type, defanged or not. What
// follows " #" or ";" is a comment; a line of a hosts file ("0.0.0.0 evil.com") is its name;
// a name with "*." or "." before it takes in what is below. The Where of a Skip is "line 12".
func List(r io.Reader, f From, take func(Indicator) error) (Report, error) {
	t, err := start(f, take)
	if err != nil {
		return Report{}, err
	}
	lines := bufio.NewReaderSize(bound(r, MaxFeed, 0), 64<<10)
	for n := 1; t.full == nil; n++ {
		line, long, err := readLine(lines)
		if long {
			t.report.Read++
			t.skip(lineOf(n), string(line), fmt.Sprintf("the line is longer than %d bytes", maxLine))
		} else if v := listed(string(line)); v != "" {
			t.report.Read++
			t.listLine(n, v)
		}
		if errors.Is(err, io.EOF) {
			return t.report, t.full
		}
		if err != nil {
			return t.report, fmt.Errorf("read line %d of the list: %w", n, err)
		}
	}
	return t.report, t.full
}

// readLine reads to the end of a line; long says that most of it was passed over.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := maxLine - len(line); len(part) > room+1 {
			long = true
			part = part[:max(room, 0)]
		}
		if err == nil && !long && line == nil {
			return part, false, nil
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// listed is what a line lists, without comment and byte order mark.
func listed(line string) string {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\uFEFF"))
	if line == "" || strings.ContainsRune("#;!", rune(line[0])) || strings.HasPrefix(line, "//") {
		return ""
	}
	for i := 1; i < len(line); i++ {
		if (line[i] == '#' || line[i] == ';') && (line[i-1] == ' ' || line[i-1] == '\t') {
			return strings.TrimSpace(line[:i])
		}
	}
	return line
}

func (t *taking) listLine(n int, v string) {
	fields := strings.Fields(v)
	if len(fields) > 1 {
		switch fields[0] {
		case "0.0.0.0", "127.0.0.1", "::", "::1": // a hosts file may name several
			for _, name := range fields[1:] {
				t.guessed(lineOf(n), name)
			}
			return
		}
	}
	if len(fields) == 1 {
		v = fields[0]
	}
	t.guessed(lineOf(n), v)
}

func lineOf(n int) string { return "line " + strconv.Itoa(n) }

// guessed takes a value that came without a type.
func (t *taking) guessed(where, v string) {
	in, err := guess(v)
	if err != nil {
		t.skip(where, v, err.Error())
		return
	}
	in.Confidence = t.from.Confidence
	in.Exact = in.Type == Domain && !t.from.Below
	t.one(where, in)
}
