package slack

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Files, by the two-step upload: files.getUploadURLExternal, the bytes to that URL,
// files.completeUploadExternal.

const maxFile = 20 << 20 // bytes; the sandbox keeps files in memory

type file struct {
	id, name, title string
	want            int
	data            []byte
	uploaded, done  bool
	channels        []string
	user            string
	created         int64
	born            time.Time
	secret          string
}

func fileMethods() []Method {
	write := []string{"files:write"}
	return []Method{
		{Name: "files.getUploadURLExternal", Tier: 4, Scopes: write, Errors: []string{"invalid_arguments", "file_upload_size_exceeded"}, do: uploadURL},
		{Name: "files.completeUploadExternal", Tier: 4, Scopes: write, Errors: []string{"invalid_arguments", "file_not_found", "channel_not_found", "not_in_channel", "is_archived", "thread_not_found"}, do: completeUpload},
		{Name: "files.info", Tier: 4, Scopes: []string{"files:read"}, Errors: []string{"file_not_found"}, do: fileInfo},
		{Name: "files.delete", Tier: 3, Scopes: write, Errors: []string{"file_not_found", "cant_delete_file"}, do: deleteFile},
	}
}

func uploadURL(s *Server, c *call) (obj, error) {
	size := c.number("length", 0)
	switch {
	case c.str("filename") == "" || size <= 0:
		return nil, no("invalid_arguments")
	case size > maxFile:
		return nil, no("file_upload_size_exceeded")
	}
	clip(s.files, func(f *file) time.Time { return f.born })
	f := &file{
		id: s.id("F"), name: path.Base(c.str("filename")), want: size, user: s.botUser,
		created: s.now(), born: time.Now(), secret: random(40),
	}
	s.files[f.id] = f
	return obj{"upload_url": s.base + "/upload/" + f.id + "/" + f.secret, "file_id": f.id}, nil
}

// serveUpload takes the bytes, raw or as the first file of a multipart form.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFile+1<<20)
	id, secret, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/upload/"), "/")
	var body io.Reader = r.Body
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, "malformed form", http.StatusBadRequest)
			return
		}
		for {
			part, err := parts.NextPart()
			if err != nil {
				http.Error(w, "no file in the form", http.StatusBadRequest)
				return
			}
			if part.FileName() != "" {
				body = part
				break
			}
		}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	switch {
	case f == nil || !same(f.secret, secret) || f.uploaded:
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	case len(data) != f.want:
		http.Error(w, "length differs from what was announced", http.StatusBadRequest)
		return
	}
	f.data, f.uploaded = data, true
	_, _ = io.WriteString(w, "OK")
}

func completeUpload(s *Server, c *call) (obj, error) {
	v, ok := c.json("files")
	list, _ := v.([]any)
	if !ok || len(list) == 0 {
		return nil, no("invalid_arguments")
	}
	var files []*file
	for _, x := range list {
		o, _ := x.(obj)
		id, _ := o["id"].(string)
		f := s.files[id]
		if f == nil || !f.uploaded || f.done {
			return nil, no("file_not_found")
		}
		if title, _ := o["title"].(string); title != "" {
			f.title = title
		}
		files = append(files, f)
	}
	where := or(c.str("channel_id"), c.str("channel"))
	for _, id := range append(c.list("channels"), where) {
		if id == "" {
			continue
		}
		if err := s.shareFiles(c, id, files); err != nil {
			return nil, err
		}
	}
	out := make([]obj, 0, len(files))
	for _, f := range files {
		f.done = true
		out = append(out, s.fileObject(f))
	}
	return obj{"files": out}, nil
}

func (s *Server) shareFiles(c *call, where string, files []*file) error {
	ch, err := s.marked(where, true)
	if err != nil {
		return err
	}
	m := &message{user: s.botUser, bot: true, text: escapeLoose(c.str("initial_comment"))}
	if thread := c.str("thread_ts"); thread != "" {
		head := ch.message(thread)
		if head == nil {
			return no("thread_not_found")
		}
		m.thread = or(head.thread, thread)
	}
	for _, f := range files {
		f.channels = append(slices.Clone(f.channels), ch.id)
		m.files = append(m.files, f.id)
	}
	s.deliverMessage(ch, m)
	for _, f := range files {
		s.emit("file_shared", ch.id, obj{
			"type": "file_shared", "file_id": f.id, "user_id": f.user, "file": obj{"id": f.id}, "channel_id": ch.id,
		})
	}
	return nil
}

func (s *Server) fileObject(f *file) obj {
	kind := mime.TypeByExtension(path.Ext(f.name))
	channels := slices.Clone(f.channels)
	if channels == nil {
		channels = []string{}
	}
	return obj{
		"id": f.id, "created": f.created, "timestamp": f.created, "name": f.name, "title": or(f.title, f.name),
		"mimetype": or(kind, "application/octet-stream"), "filetype": strings.TrimPrefix(path.Ext(f.name), "."),
		"pretty_type": strings.ToUpper(strings.TrimPrefix(path.Ext(f.name), ".")), "editable": false, "external_type": "",
		"public_url_shared": false, "display_as_bot": false, "username": "",
		"user": f.user, "size": f.want, "mode": "hosted", "is_external": false, "is_public": false,
		"url_private": s.base + "/files/" + f.id, "url_private_download": s.base + "/files/" + f.id,
		"permalink": s.base + "/files/" + f.id, "channels": channels, "groups": []string{}, "ims": []string{},
	}
}

func (s *Server) fileObjects(ids []string) []obj {
	out := make([]obj, 0, len(ids))
	for _, id := range ids {
		if f := s.files[id]; f != nil {
			out = append(out, s.fileObject(f))
			continue
		}
		out = append(out, obj{"id": id, "mode": "tombstone"})
	}
	return out
}

func fileInfo(s *Server, c *call) (obj, error) {
	f := s.files[c.str("file")]
	if f == nil || !f.done {
		return nil, no("file_not_found")
	}
	return obj{"file": s.fileObject(f), "comments": []any{}}, nil
}

func deleteFile(s *Server, c *call) (obj, error) {
	f := s.files[c.str("file")]
	if f == nil {
		return nil, no("file_not_found")
	}
	delete(s.files, f.id)
	s.changed()
	return nil, nil
}

// serveFile gives a file to whoever shows the bot token and was granted files:read:
// url_private is no public link. Anybody else is sent to the page for signing in, as
// Slack does, and not told whether there is such a file.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.files[strings.TrimPrefix(r.URL.Path, "/files/")]
	var data []byte
	if f != nil {
		data = f.data
	}
	allowed := same(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), s.app.BotToken) &&
		slices.Contains(s.app.Scopes, "files:read") && !s.revoked
	base := s.base
	s.mu.Unlock()
	switch {
	case !allowed:
		http.Redirect(w, r, base+"/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case f == nil || !f.uploaded:
		http.Error(w, "not found", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(data)
	}
}

// serveSignIn is the page that asks a browser to sign in.
func (s *Server) serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!DOCTYPE html><title>Sign in | Slack</title><h1>Sign in to the workspace</h1>")
}

// ShareFile is a person's upload of a file into a channel or thread they are in, with a
// comment. It returns the message's ts and the file's id.
func (s *Server) ShareFile(ctx context.Context, user, where, name string, data []byte, comment, threadTS string) (ts, id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", "", err
	}
	s.locked(func() {
		u, c, denied := s.inside(user, where)
		head := (*message)(nil)
		if denied == nil {
			head = c.message(threadTS)
		}
		switch err = denied; {
		case err != nil:
			return
		case len(data) == 0 || len(data) > maxFile:
			err = &Error{"file_upload_size_restricted", "This file cannot be uploaded."}
			return
		case threadTS != "" && head == nil:
			err = &Error{"thread_not_found", "That thread is gone."}
			return
		}
		clip(s.files, func(f *file) time.Time { return f.born })
		f := &file{
			id: s.id("F"), name: path.Base(name), want: len(data), data: slices.Clone(data), uploaded: true, done: true,
			user: u.ID, created: s.now(), born: time.Now(), channels: []string{c.id},
		}
		s.files[f.id] = f
		m := &message{user: u.ID, subtype: "file_share", text: s.typed(comment), files: []string{f.id}}
		if threadTS != "" {
			m.thread = or(head.thread, head.ts)
		}
		s.deliverMessage(c, m)
		s.emit("file_shared", c.id, obj{
			"type": "file_shared", "file_id": f.id, "user_id": u.ID, "file": obj{"id": f.id}, "channel_id": c.id,
		})
		ts, id = m.ts, f.id
	})
	return ts, id, err
}

// FileData returns the bytes of a file, for the page and for tests.
func (s *Server) FileData(id string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	if f == nil || !f.uploaded {
		return nil, false
	}
	return f.data, true
}
