package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return collect{holding{f, directive.Collect}} })
}

// collect keeps what a host knows of itself as evidence.
type collect struct{ holding }

var (
	collectFiles = actions.Param{Name: "files", Max: 4000, Help: "files to keep besides, absolute, with commas between them"}
	collectMost  = actions.Param{Name: "megabytes", Help: "of content at most", Default: "256"}
)

func (collect) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.collect", Title: "Collect evidence from a host",
		Does: "Processes, open files, sockets, memory maps, programs and the files that are named are kept as one archive; nothing on the host changes.",
		Kind: actions.KindHost, Blast: actions.BlastTarget, Rights: []string{string(directive.Collect)}, Params: []actions.Param{collectFiles, collectMost},
		Proof: "The archive is read back and compared with what the host said it hashes to.", Example: "fleet.collect web-3 files=/var/log/auth.log,/tmp/x",
	}
}

// kept is the state: whether the archive of this deed is on the shelf.
type kept struct {
	Kept bool `json:"kept"`
}

func filesOf(text string) (all []string, err error) {
	for f := range strings.SplitSeq(text, ",") {
		f = strings.TrimSpace(f)
		if f == "" {
			continue
		}
		if !strings.HasPrefix(f, "/") || path.Clean(f) != f {
			return nil, &actions.BadParam{Name: collectFiles.Name, Why: fmt.Sprintf("has %q, which is no clean absolute path", tame(f))}
		}
		all = append(all, f)
	}
	if len(all) > directive.MostFiles {
		return nil, &actions.BadParam{Name: collectFiles.Name, Why: fmt.Sprintf("has more than %d files", directive.MostFiles)}
	}
	return all, nil
}

func bytesOf(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 || n > 2000 {
		return 0, &actions.BadParam{Name: collectMost.Name, Why: "is between 1 and 2000"}
	}
	return n << 20, nil
}

func (a collect) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.named(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	files, err := filesOf(in.Params[collectFiles.Name])
	if err != nil {
		return actions.Plan{}, err
	}
	if _, err := bytesOf(in.Params[collectMost.Name]); err != nil {
		return actions.Plan{}, err
	}
	if a.c.Shelf == nil {
		return actions.Plan{}, incident.GiveUp(errors.New("evidence cannot be kept: the server has no folder for it"))
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindHost, ID: h.Name, Name: h.Name}, Params: in.Params, Key: in.Key, Note: in.Note,
		Found: actions.StateOf(kept{false}), Want: actions.StateOf(kept{true}),
		Steps: []string{"Collect processes, sockets, open files, maps and programs of " + h.Name + "."}}
	for _, f := range files {
		p.Steps = append(p.Steps, "Keep "+f+".")
	}
	// A host that does not answer now will not deliver either.
	if _, err := a.holds(ctx, h.Name, a.about("")); err != nil {
		return p, err
	}
	return p, a.allowed(h.Name, 0)
}

func (a collect) read(host, key string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, ok, err := a.c.Shelf.Find(ctx, holdID(key, a.kind, host))
		return actions.StateOf(kept{ok}), err
	}
}

func (a collect) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host := p.Target.ID
	files, err := filesOf(p.Params[collectFiles.Name])
	if err != nil {
		return actions.Receipt{}, err
	}
	most, err := bytesOf(p.Params[collectMost.Name])
	if err != nil {
		return actions.Receipt{}, err
	}
	id := holdID(p.Key, a.kind, host)
	var got Kept
	r, err := deed.Do(ctx, p, []string{"Evidence of " + host + " is kept."}, a.read(host, p.Key), func(ctx context.Context) (err error) {
		got, err = a.fetch(ctx, host, id, p.Key, p.Digest(), files, most)
		return err
	})
	if err != nil {
		return r, err
	}
	if got.SHA256 == "" {
		got, _, err = a.c.Shelf.Find(ctx, id)
	}
	r.Ref = map[string]string{"archive": id, "sha256": got.SHA256, "bytes": strconv.FormatInt(got.Size, 10)}
	return r, err
}

// fetch orders a collection and waits until the archive is on the shelf. What the host says it sent and
// what came must be one.
func (f *Fleet) fetch(ctx context.Context, host, id, key, approval string, files []string, most int64) (Kept, error) {
	if f.c.Shelf == nil {
		return Kept{}, incident.GiveUp(errors.New("evidence cannot be kept: the server has no folder for it"))
	}
	f.await(id, host)
	defer func() {
		f.mu.Lock()
		delete(f.awaited, id)
		f.mu.Unlock()
	}()
	d := directed(directive.Collect, id, key, approval)
	d.Collect = &directive.CollectOf{Files: files, Bytes: most}
	r, err := f.order(ctx, host, d)
	if err != nil {
		return Kept{}, err
	}
	got, ok, err := f.c.Shelf.Find(ctx, id)
	switch {
	case err != nil:
		return Kept{}, fmt.Errorf("look for the archive: %w", err)
	case !ok || r.Evidence == nil:
		return Kept{}, fmt.Errorf("%s says it sent an archive, and none came", host)
	case r.Evidence.SHA256 != got.SHA256:
		return Kept{}, fmt.Errorf("%s says it sent another archive than the one that came", host)
	}
	return got, nil
}

// preserved collects before something is destroyed. What was collected for the same key is not collected
// again.
func (f *Fleet) preserved(ctx context.Context, host, key, approval string, files []string) (actions.Evidence, error) {
	if f.c.Shelf == nil {
		return actions.Evidence{}, incident.GiveUp(errors.New("evidence cannot be kept: the server has no folder for it"))
	}
	id := holdID(key, directive.Collect, host)
	_, ok, err := f.c.Shelf.Find(ctx, id)
	if err == nil && !ok {
		_, err = f.fetch(ctx, host, id, key, approval, files, actions.MaxItem/2)
	}
	if err != nil {
		return actions.Evidence{}, err
	}
	return actions.Evidence{Items: []actions.Item{{Name: host + "-evidence.tar", From: "host " + host, Type: "application/x-tar",
		Open: func() (io.ReadCloser, error) { return f.c.Shelf.Open(context.WithoutCancel(ctx), id) }}}}, nil
}

// Verify reads the archive back.
func (a collect) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	if err := ctx.Err(); err != nil {
		return actions.Proof{}, err
	}
	id := holdID(r.Key, a.kind, r.Target.ID)
	_, ok, err := a.c.Shelf.Find(ctx, id)
	if err != nil {
		return actions.Proof{}, fmt.Errorf("look for the archive: %w", err)
	}
	if !ok {
		return actions.Refuted("There is no archive of " + r.Target.Name + "."), nil
	}
	in, err := a.c.Shelf.Open(ctx, id)
	if err != nil {
		return actions.Proof{}, fmt.Errorf("open the archive: %w", err)
	}
	defer func() { _ = in.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, in)
	if err != nil {
		return actions.Proof{}, fmt.Errorf("read the archive: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); r.Ref["sha256"] != "" && got != r.Ref["sha256"] {
		return actions.Refuted("The archive of " + r.Target.Name + " is not the one that came."), nil
	}
	return actions.Proven(fmt.Sprintf("The archive of %s is there, %d bytes, and hashes to what the host said.", r.Target.Name, n)), nil
}
