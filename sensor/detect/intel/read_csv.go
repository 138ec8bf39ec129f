package intel

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The columns that are understood, by their names in lower case. A column named after a
// type ("sha256", "dst_ip") holds values of that type; a row may have several.
var columnNames = map[string]string{
	"value": "value", "indicator": "value", "ioc": "value", "ioc_value": "value", "observable": "value",
	"type": "type", "indicator_type": "type", "ioc_type": "type", "kind": "type",
	"confidence": "confidence", "confidence_level": "confidence", "score": "confidence",
	"expires": "expires", "valid_until": "expires", "expiration": "expires", "expiry": "expires",
	"source": "source", "provider": "source",
	"tlp": "tlp",
	"why": "why", "description": "why", "comment": "why", "threat": "why", "malware": "why", "malware_printable": "why", "signature": "why", "reason": "why",
	"ref": "ref", "id": "ref", "uuid": "ref", "ioc_id": "ref",
	"scope": "scope",
	"ip":    "ip", "ip_address": "ip", "dst_ip": "ip", "src_ip": "ip", "address": "ip",
	"cidr": "cidr", "network": "cidr", "netblock": "cidr",
	"domain": "domain", "hostname": "domain", "fqdn": "domain", "host": "domain",
	"url": "url", "md5": "md5", "md5_hash": "md5", "sha1": "sha1", "sha1_hash": "sha1", "sha256": "sha256", "sha256_hash": "sha256",
}

// Names that feeds give to types.
var typeAliases = map[string]Type{
	"ip": IP, "ipv4": IP, "ipv6": IP, "ipv4-addr": IP, "ipv6-addr": IP, "ip-dst": IP, "ip-src": IP, "ip:port": IP, "address": IP,
	"cidr": CIDR, "network": CIDR, "subnet": CIDR, "netblock": CIDR,
	"domain": Domain, "domain-name": Domain, "hostname": Domain, "fqdn": Domain, "host": Domain,
	"url": URL, "uri": URL, "link": URL,
	"md5": MD5, "md5_hash": MD5, "filehash-md5": MD5,
	"sha1": SHA1, "sha-1": SHA1, "sha1_hash": SHA1, "filehash-sha1": SHA1,
	"sha256": SHA256, "sha-256": SHA256, "sha256_hash": SHA256, "filehash-sha256": SHA256,
}

// CSV reads a table whose first line names its columns, separated by commas, semicolons
// or tabs; the line may begin with "#", as do comments. There must be a column "value" or
// one named after a type. "type", "confidence" (0-100), "expires" (RFC 3339, a date, or
// Unix seconds), "source", "tlp", "why", "ref" and "scope" ("exact" or "below") are
// read where they are; other columns are passed over and counted in Other.
func CSV(r io.Reader, f From, take func(Indicator) error) (Report, error) {
	t, err := start(f, take)
	if err != nil {
		return Report{}, err
	}
	limit := bound(r, MaxFeed, maxPiece)
	in := bufio.NewReaderSize(limit, 64<<10)
	header, lines, err := csvHeader(in)
	if err != nil {
		return t.report, err
	}
	rows := csv.NewReader(in)
	rows.Comma, rows.Comment, rows.ReuseRecord, rows.LazyQuotes = header.sep, '#', true, true
	rows.FieldsPerRecord, rows.TrimLeadingSpace = -1, true
	for _, name := range header.unknown {
		t.other("column " + name)
	}
	for t.full == nil {
		limit.next()
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			t.report.Read++
			t.skip(lineOf(lines+wrong.StartLine), "", "the row cannot be read as CSV")
			continue
		}
		if err != nil {
			return t.report, fmt.Errorf("read the table: %w", err)
		}
		line, _ := rows.FieldPos(0)
		t.report.Read++
		t.row(lineOf(lines+line), header, row)
	}
	return t.report, t.full
}

type header struct {
	sep     rune
	columns []string // what each column is; "" for others
	unknown []string
}

const maxColumns = 256

// csvHeader reads up to the line with the names. Some feeds begin with a comment of
// many lines whose last one is the header.
func csvHeader(in *bufio.Reader) (header, int, error) {
	for n := 1; ; n++ {
		if n > 1000 {
			return header{}, n, errors.New("none of the first 1,000 lines names a column such as value, ip, domain, url or sha256")
		}
		raw, long, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return header{}, n, fmt.Errorf("read the names of the columns: %w", err)
		}
		line := strings.TrimSpace(strings.TrimLeft(string(bytes.TrimPrefix(raw, []byte("\uFEFF"))), "# "))
		if h, ok := headerOf(line); ok && !long {
			return h, n, nil
		}
		if err != nil || line != "" && !bytes.HasPrefix(bytes.TrimPrefix(raw, []byte("\uFEFF")), []byte("#")) {
			return header{}, n, errors.New("the first line names no column such as value, ip, domain, url or sha256")
		}
	}
}

func headerOf(line string) (header, bool) {
	h := header{sep: ','}
	for _, sep := range ";\t" {
		if strings.Count(line, string(sep)) > strings.Count(line, string(h.sep)) {
			h.sep = sep
		}
	}
	cells := strings.Split(line, string(h.sep))
	if len(cells) > maxColumns {
		return h, false
	}
	found := false
	for _, cell := range cells {
		name := strings.ToLower(strings.Trim(strings.TrimSpace(cell), `"' `))
		is := columnNames[strings.ReplaceAll(name, " ", "_")]
		if is == "" {
			h.unknown = append(h.unknown, name)
		}
		if _, typed := typeAliases[is]; typed || is == "value" {
			found = true
		}
		h.columns = append(h.columns, is)
	}
	return h, found
}

func (t *taking) row(where string, h header, row []string) {
	base := Indicator{Confidence: t.from.Confidence, Exact: !t.from.Below}
	var given string
	trouble := ""
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		if i >= len(h.columns) || cell == "" {
			continue
		}
		switch h.columns[i] {
		case "type":
			given = strings.ToLower(cell)
		case "confidence":
			n, err := strconv.ParseUint(cell, 10, 8)
			if err != nil || n > 100 {
				trouble = "its confidence is no number from 0 to 100"
			}
			base.Confidence = uint8(n)
		case "expires":
			at, err := timeOf(cell)
			if err != nil {
				trouble = "its expiry is no time: write 2026-11-30 or 2026-11-30T12:00:00Z"
			}
			base.Expires = at
		case "source":
			base.Source = cell
		case "tlp":
			label, ok := tlpNamed(cell)
			if !ok {
				// What cannot be read is taken for the most closely held: telling too few
				// can be made good.
				label = Red
			}
			base.TLP = label
		case "why":
			if base.Why != "" {
				cell = base.Why + "; " + cell
			}
			base.Why = cell
		case "ref":
			base.Ref = cell
		case "scope":
			base.Exact = !strings.EqualFold(cell, "below") && !strings.EqualFold(cell, "subdomains")
		}
	}
	t.cells(where, h, row, base, given, trouble)
}

// cells takes each value of a row.
func (t *taking) cells(where string, h header, row []string, base Indicator, given, trouble string) {
	some := false
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		if i >= len(h.columns) || cell == "" {
			continue
		}
		is, typed := typeAliases[h.columns[i]]
		if !typed && h.columns[i] != "value" {
			continue
		}
		some = true
		if trouble != "" {
			t.skip(where, cell, trouble)
			continue
		}
		in, err := typedValue(cell, is, given, typed)
		if err != nil {
			t.skip(where, cell, err.Error())
			continue
		}
		base.Type, base.Value = in.Type, in.Value
		t.one(where, base)
	}
	if !some {
		t.skip(where, strings.Join(row, " "), "the row holds no value")
	}
}

func typedValue(cell string, is Type, given string, typed bool) (Indicator, error) {
	if !typed && given != "" {
		var ok bool
		if is, ok = typeAliases[given]; !ok {
			return Indicator{}, fmt.Errorf("the type %s cannot be matched", tidy(given, 32))
		}
		typed = true
	}
	if !typed || is == IP { // "192.0.2.1:443" is an IP too
		in, err := guess(cell)
		if typed && err == nil && in.Type != IP && in.Type != CIDR {
			err = errors.New("not an address")
		}
		return in, err
	}
	return Indicator{Type: is, Value: cell}, nil
}

// timeOf reads the forms that feeds write times in; without a zone it is UTC.
func timeOf(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05 UTC", "2006-01-02"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), nil
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > 253402300799 { // the end of year 9999
		return time.Time{}, errors.New("not a time")
	}
	return time.Unix(n, 0).UTC(), nil
}
