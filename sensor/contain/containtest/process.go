package containtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Process is a role being played. It is asked a line and answers a line, JSON both.
type Process struct {
	t    testing.TB
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  chan []byte
	once sync.Once
}

// Over is a role that is played elsewhere, at the other end of a line. It cannot be killed.
func Over(t testing.TB, role string, line io.ReadWriteCloser) *Process {
	p := &Process{t: t, role: role, in: line}
	p.listen(line)
	return p
}

func (p *Process) listen(out io.Reader) {
	p.out = make(chan []byte, 64)
	go func() {
		defer close(p.out)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.out <- append([]byte(nil), lines.Bytes()...)
		}
	}()
}

// PID is the process's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ask says a question and reads the answer into the pointer; the test fails when there is no
// answer within a minute, or when it is an error.
func (p *Process) Ask(question, answer any) {
	p.t.Helper()
	if err := p.Try(question, answer); err != nil {
		p.t.Fatalf("%s, asked %v: %v", p.role, question, err)
	}
}

// Try is Ask for a question that may be refused.
func (p *Process) Try(question, answer any) error {
	text, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return err
	}
	return p.Hear(answer)
}

// Hear reads the next answer.
func (p *Process) Hear(answer any) error {
	select {
	case line, ok := <-p.out:
		if !ok {
			return fmt.Errorf("%s has ended", p.role)
		}
		var a reply
		if err := json.Unmarshal(line, &a); err != nil {
			return fmt.Errorf("read %q: %w", line, err)
		}
		if a.Error != "" {
			return fmt.Errorf("%s", a.Error)
		}
		if answer == nil {
			return nil
		}
		return json.Unmarshal(a.Answer, answer)
	case <-time.After(time.Minute):
		return fmt.Errorf("%s does not answer", p.role)
	}
}

// Kill ends it at once, with a signal that it cannot see coming.
func (p *Process) Kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

type reply struct {
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Answer is the other side of Ask: it reads questions until there are none.
func Answer[Q any](answer func(Q) (any, error)) error { return AnswerOn(os.Stdin, os.Stdout, answer) }

// AnswerOn is Answer for the other end of Over.
func AnswerOn[Q any](in io.Reader, out io.Writer, answer func(Q) (any, error)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q Q
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("read the question: %w", err)
		}
		a, err := answer(q)
		sayOn(out, a, err)
	}
	return lines.Err()
}

// Say writes one answer.
func Say(a any, err error) { sayOn(os.Stdout, a, err) }

func sayOn(out io.Writer, a any, err error) {
	var r reply
	if err != nil {
		r.Error = err.Error()
	} else if r.Answer, err = json.Marshal(a); err != nil {
		r.Error = err.Error()
	}
	text, _ := json.Marshal(r)
	_, _ = out.Write(append(text, '\n'))
}

// Send says something and waits for no answer.
func (p *Process) Send(question any) {
	p.t.Helper()
	text, err := json.Marshal(question)
	if err == nil {
		_, err = p.in.Write(append(text, '\n'))
	}
	if err != nil {
		p.t.Fatalf("tell %s: %v", p.role, err)
	}
}
