package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// BenchmarkAimAcknowledge: 100 signed slash commands a second, for half a minute, at
// 500 open incidents of 10,000 events each. A command is due every ten milliseconds
// whether or not the one before was answered, and its time counts from then.
func BenchmarkAimAcknowledge(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		acknowledge(b, bigFile(b, 1000, sized(10_000)), 500, sized(10_000), "SQLite")
	})
	b.Run("postgres", func(b *testing.B) {
		// A tenth of the events, to keep the making short.
		at := storetest.Postgres(b)
		fillDatabase(b, at, 1000, sized(1_000))
		acknowledge(b, at, 500, sized(1_000), "PostgreSQL")
	})
}

func acknowledge(b *testing.B, database string, rooms, events int, engine string) {
	w := worldOf(b)
	channels := openRooms(b, w, database, rooms)
	orders := serverOrders{Database: database}.inWorld(w)
	if dir := os.Getenv("TOCSIN_BENCH_DIR"); dir != "" {
		orders.Profile = filepath.Join(dir, "acknowledge-"+strings.ToLower(engine)+".cpu.pprof")
	}
	s := startServer(b, orders)
	defer s.stop(b)
	moveIn(b, w, s)
	team := teamOf(b, w)
	lines := []string{"note seen in the logs of web-3", "note the session is from another country", "status", "note 10.1.2.3 again",
		"scope add host web-%d", "note asked the vendor", "note nothing new", "update still looking at the logs", "note key rotated", "note logs are kept"}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}, Timeout: 10 * time.Second}
	ask := func(n int) (string, error) {
		text := lines[n%len(lines)]
		if strings.Contains(text, "%d") {
			text = fmt.Sprintf(text, n)
		}
		room := n % rooms
		return slash(b.Context(), client, s.url, w.SigningSecret, url.Values{
			"team_id": {team}, "channel_id": {channels[room]}, "user_id": {"U0ALICE01"}, "command": {"/incident"},
			"text": {fmt.Sprintf("%s %s", incident.NumberID(int64(room+1)), text)}, "trigger_id": {fmt.Sprintf("bench.%d.%d", time.Now().UnixNano(), n)},
			"response_url": {w.SlackURL + "nobody"},
		})
	}
	run(b, 200, 20*time.Millisecond, ask) // connections, prepared statements, people
	scraping, stopScraping := context.WithCancel(b.Context())
	go func() { // as whoever watches over it would
		for scraping.Err() == nil {
			_, _ = gauge(s.url, "tocsin_database_up")
			time.Sleep(5 * time.Second)
		}
	}()
	worked := s.worked()
	b.ResetTimer()
	took, odd := run(b, 3000, 10*time.Millisecond, ask)
	b.StopTimer()
	stopScraping()
	worked = (s.worked() - worked) / time.Duration(len(took))
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	heap, err := gauge(s.url, "go_memstats_heap_inuse_bytes")
	if err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(p50.Microseconds())/1e3, "ms/p50")
	b.ReportMetric(float64(p99.Microseconds())/1e3, "ms/p99")
	b.ReportMetric(float64(s.memory())/1e6, "MB/peak")
	at := fmt.Sprintf("%d open incidents of %d events, %s", rooms, events, engine)
	measured(b, "request to acknowledgement at 100 commands/s, "+at, "p99 under 50 ms",
		fmt.Sprintf("p50 %s, p99 %s, worst %s; %d of %d answered with an error; %s of one processor for each command, with all that followed",
			ms(p50), ms(p99), ms(took[len(took)-1]), odd, len(took), ms(worked)))
	measured(b, "memory there", "under 256 MB", fmt.Sprintf("peak resident %d MB, heap in use %d MB", s.memory()>>20, int64(heap)>>20))
	if odd > 0 {
		b.Log(s.complaints())
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3) }

// run asks n times, one every so often, and gives how long each waited, the shortest
// first, and how many were not carried out.
func run(b *testing.B, n int, every time.Duration, ask func(int) (string, error)) (took []time.Duration, odd int) {
	took = make([]time.Duration, n)
	var failed atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * every)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			said, err := ask(i)
			took[i] = time.Since(due)
			if err != nil || strings.Contains(said, "could not") { // nothing said: the room says it
				if failed.Add(1) == 1 {
					b.Logf("an error: %v %s", err, said)
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took, int(failed.Load())
}

// slash sends a slash command as Slack signs it.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func slash(ctx context.Context, client *http.Client, base, secret string, form url.Values) (string, error) {
	body, stamp := form.Encode(), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+sandbox.PathCommand, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s: %s", resp.Status, answer)
	}
	return string(answer), err
}

// worldOf is a sandbox whose Slack delivers by HTTP.
func worldOf(b *testing.B) *sandbox.World {
	b.Helper()
	w, err := sandbox.Start(b.Context(), sandbox.Options{Clock: clock.NewFast(time.Now(), 1), HTTPMode: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.Close)
	return w
}

// moveIn waits for the server and installs it in the world.
func moveIn(b *testing.B, w *sandbox.World, s *server) {
	b.Helper()
	s.ready(b)
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", URL: s.url})
	if err == nil {
		err = w.Install(manifest)
	}
	if err == nil {
		err = w.Connect(s.url)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func teamOf(b *testing.B, w *sandbox.World) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, w.SlackURL+"auth.test", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.BotToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var who struct {
		TeamID string `json:"team_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&who); err != nil || who.TeamID == "" {
		b.Fatal("auth.test names no team", err)
	}
	return who.TeamID
}

// openRooms gives the first incidents a channel each in this world, and settles
// whatever an earlier run left owing.
func openRooms(b *testing.B, w *sandbox.World, database string, rooms int) (channels []string) {
	b.Helper()
	ctx := b.Context()
	driver := "sqlite"
	if strings.HasPrefix(database, "postgres") {
		driver = "pgx"
	}
	raw, err := sql.Open(driver, database)
	if err != nil {
		b.Fatal(err)
	}
	_, err = raw.ExecContext(ctx, `UPDATE effects SET state = 'done' WHERE state IN ('open', 'queued') AND kind <> 'wake'`)
	if err != nil {
		b.Fatal(err)
	}
	_ = raw.Close()
	db, err := store.Open(ctx, database, benchWorkspace, store.Options{Key: benchKey})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	self, _ := w.Slack.BotUser()
	for n := range rooms {
		id := incident.NumberID(int64(n + 1))
		name := fmt.Sprintf("bench-%d-%d", n+1, time.Now().UnixMilli())
		channel := w.Slack.AddChannel(name, false, "U0ALICE01", self)
		s, err := db.Load(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		asked := incident.Asked{ID: incident.CommandID("room-" + name), Root: incident.CommandID("room-" + name), By: incident.Clockwork, Via: incident.ViaEngine, At: time.Now()}
		_, err = db.Commit(ctx, incident.Change{Before: s, Asked: asked, Events: []incident.Recorded{{Stream: id, Seq: s.Seq + 1, At: asked.At, Occurred: asked.At,
			By: asked.By.ID, Via: asked.Via, Root: asked.Root, Event: incident.RoomOpened{Channel: channel, Name: name}}}})
		if err != nil {
			b.Fatal(err)
		}
		channels = append(channels, channel)
	}
	return channels
}

// ready waits until the server says so.
func (s *server) ready(b *testing.B) {
	b.Helper()
	for range 60_000 {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
	b.Fatal("the server is not ready within a minute: ", s.complaints())
}

// gauge reads a number of what the server counts.
func gauge(base, name string) (float64, error) {
	resp, err := http.Get(base + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%s is not counted", name)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
