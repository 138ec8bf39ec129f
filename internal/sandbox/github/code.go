package github

import (
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const maxFile = 1 << 20 // bytes that GET contents shows

// commit is a whole tree, for these repositories are small.
type commit struct {
	sha, message, by string
	parent           *commit
	files            map[string]string // path to content
	at               time.Time
}

func hash(parts ...string) string {
	sum := sha1.Sum([]byte(strings.Join(parts, "\x00"))) //nolint:gosec // as git does
	return hex.EncodeToString(sum[:])
}

// blobSHA is the name git gives a file's content.
func blobSHA(content string) string {
	return hash(fmt.Sprintf("blob %d", len(content)), content)
}

func (r *repo) commit(parent *commit, files map[string]string, message, by string, at time.Time) *commit {
	before := ""
	if parent != nil {
		before = parent.sha
	}
	c := &commit{message: message, by: by, parent: parent, files: files, at: at}
	tree := before + message + by + at.String()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		tree += path + blobSHA(files[path])
	}
	c.sha = hash("commit", tree)
	r.commits[c.sha] = c
	return c
}

func (s *Server) renderRef(c *call, branch string) obj {
	at := c.repo.branches[branch]
	url := s.base + c.prefix + "/repos/" + c.repo.full()
	return obj{"ref": "refs/heads/" + branch, "node_id": "REF_" + at.sha, "url": url + "/git/refs/heads/" + branch,
		"object": obj{"type": "commit", "sha": at.sha, "url": url + "/git/commits/" + at.sha}}
}

func (s *Server) getRef(c *call) (int, any, *refusal) {
	branch, ok := strings.CutPrefix(c.PathValue("ref"), "heads/")
	if !ok || c.repo.branches[branch] == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderRef(c, branch), nil
}

func (s *Server) getBranch(c *call) (int, any, *refusal) {
	name := c.PathValue("branch")
	at := c.repo.branches[name]
	if at == nil {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "Branch not found"}
	}
	return http.StatusOK, obj{"name": name, "commit": obj{"sha": at.sha}, "protected": false}, nil
}

func (s *Server) createRef(c *call) (int, any, *refusal) {
	if no := s.needPush(c); no != nil {
		return 0, nil, no
	}
	var q struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	plain := func(m string) (int, any, *refusal) {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: m}
	}
	branch, ok := strings.CutPrefix(q.Ref, "refs/heads/")
	if !ok || branch == "" || strings.ContainsAny(branch, " ~^:?*[\\") || strings.Contains(branch, "..") || strings.HasSuffix(branch, "/") {
		return plain("Reference name is not valid: it must begin with refs/heads/ and be a valid branch name")
	}
	if c.repo.commits[q.SHA] == nil {
		return plain("Object does not exist")
	}
	if c.repo.branches[branch] != nil {
		return plain("Reference already exists")
	}
	c.repo.branches[branch] = c.repo.commits[q.SHA]
	s.changed()
	return http.StatusCreated, s.renderRef(c, branch), nil
}

func (s *Server) deleteRef(c *call) (int, any, *refusal) {
	if no := s.needPush(c); no != nil {
		return 0, nil, no
	}
	branch, _ := strings.CutPrefix(c.PathValue("ref"), "heads/")
	if c.repo.branches[branch] == nil || branch == c.repo.defaultBranch {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "Reference does not exist"}
	}
	delete(c.repo.branches, branch)
	s.changed()
	return http.StatusNoContent, nil, nil
}

// treeOf finds what ref names: a branch, a commit, or the default branch.
func (r *repo) treeOf(ref string) *commit {
	if ref == "" {
		ref = r.defaultBranch
	}
	ref = strings.TrimPrefix(ref, "refs/heads/")
	if c := r.branches[ref]; c != nil {
		return c
	}
	return r.commits[ref]
}

func (s *Server) renderFile(c *call, path, content string, whole bool) obj {
	url := s.base + c.prefix + "/repos/" + c.repo.full() + "/contents/" + path
	o := obj{"type": "file", "name": path[strings.LastIndex(path, "/")+1:], "path": path, "sha": blobSHA(content), "size": len(content),
		"url": url, "html_url": s.conf.WebURL + "/" + c.repo.full() + "/blob/" + c.repo.defaultBranch + "/" + path}
	if whole && len(content) <= maxFile {
		o["encoding"], o["content"] = "base64", base64.StdEncoding.EncodeToString([]byte(content))
	}
	return o
}

func (s *Server) getContents(c *call) (int, any, *refusal) {
	at := c.repo.treeOf(c.URL.Query().Get("ref"))
	if at == nil {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "No commit found for the ref " + c.URL.Query().Get("ref")}
	}
	path := strings.Trim(c.PathValue("path"), "/")
	if content, ok := at.files[path]; ok {
		return http.StatusOK, s.renderFile(c, path, content, true), nil
	}
	list, seen := []obj{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(at.files)) {
		rest := name
		if path != "" {
			var below bool
			if rest, below = strings.CutPrefix(name, path+"/"); !below {
				continue
			}
		}
		dir, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			list = append(list, s.renderFile(c, name, at.files[name], false))
		} else if !seen[dir] {
			seen[dir] = true
			list = append(list, obj{"type": "dir", "name": dir, "path": strings.TrimPrefix(path+"/"+dir, "/"), "size": 0, "sha": hash("tree", path, dir)})
		}
	}
	if len(list) == 0 {
		return 0, nil, notFound()
	}
	return http.StatusOK, list, nil
}

// putContents makes one commit with one file. Changing a file needs the sha it had.
func (s *Server) putContents(c *call) (int, any, *refusal) {
	if no := s.needPush(c); no != nil {
		return 0, nil, no
	}
	var q struct {
		Message *string `json:"message"`
		Content *string `json:"content"`
		SHA     string  `json:"sha"`
		Branch  string  `json:"branch"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.Message == nil {
		return 0, nil, notSupplied("message")
	}
	if q.Content == nil {
		return 0, nil, notSupplied("content")
	}
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(*q.Content, "\n", ""))
	if err != nil {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "content is not valid Base64"}
	}
	if q.Branch == "" {
		q.Branch = c.repo.defaultBranch
	}
	at := c.repo.branches[q.Branch]
	if at == nil {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "Branch " + q.Branch + " not found"}
	}
	path := strings.Trim(c.PathValue("path"), "/")
	if path == "" || slices.Contains(strings.Split(path, "/"), "..") || slices.Contains(strings.Split(path, "/"), ".git") {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "path is malformed"}
	}
	old, exists := at.files[path]
	if exists && q.SHA == "" {
		return 0, nil, notSupplied("sha")
	}
	if exists && q.SHA != blobSHA(old) || !exists && q.SHA != "" {
		return 0, nil, &refusal{status: http.StatusConflict, message: path + " does not match " + q.SHA}
	}
	files := maps.Clone(at.files)
	files[path] = string(content)
	now := c.repo.commit(at, files, *q.Message, c.login, s.clock.Now())
	c.repo.branches[q.Branch] = now
	s.changed()
	status := http.StatusCreated
	if exists {
		status = http.StatusOK
	}
	return status, obj{"content": s.renderFile(c, path, string(content), false), "commit": obj{"sha": now.sha, "message": now.message,
		"html_url": s.conf.WebURL + "/" + c.repo.full() + "/commit/" + now.sha, "parents": []obj{{"sha": at.sha}},
		"author": obj{"name": c.login, "date": stamp(now.at)}}}, nil
}
