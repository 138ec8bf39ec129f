package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cluster is a real API server over a real etcd, with the real controllers for workloads,
// endpoints, accounts and taints. There is no kubelet, scheduler or network: kubelet
// (honest_kubelet_test.go) stands in for the first two, and nothing for the third.
type cluster struct {
	dir   string
	base  string // "https://127.0.0.1:…"
	admin string // a token of system:masters
	ca    []byte
	http  *http.Client
	procs []*exec.Cmd
	kube  *kubelet
}

var (
	theCluster     *cluster
	theClusterErr  error
	theClusterOnce sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if theCluster != nil {
		theCluster.stop()
	}
	os.Exit(code)
}

// start returns the cluster all tests of this process share; each makes namespaces of its
// own. Where there is none to be had the test is skipped, saying why.
func start(t testing.TB) *cluster {
	t.Helper()
	bin := os.Getenv("TOCSIN_KUBERNETES")
	etcd, err := exec.LookPath("etcd")
	why := ""
	switch {
	case bin == "":
		why = "no Kubernetes: build it by .ci/apiserver/build FOLDER and set TOCSIN_KUBERNETES to that folder"
	case err != nil:
		why = "no etcd: install the Debian package etcd-server"
	case hostAddress() == "":
		why = "no address but loopback, to which an API server forwards nothing"
	}
	if why != "" {
		if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	theClusterOnce.Do(func() {
		theCluster = &cluster{admin: rand.Text()}
		theClusterErr = theCluster.start(bin, etcd)
	})
	if theClusterErr != nil {
		t.Fatalf("start the cluster: %v", theClusterErr)
	}
	return theCluster
}

func (c *cluster) start(bin, etcd string) (err error) {
	if c.dir, err = os.MkdirTemp("", "tocsin-kubernetes"); err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	client, peer := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	if err := c.run(etcd, "--data-dir", c.path("etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer); err != nil {
		return err
	}
	if err := c.writeKeys(); err != nil {
		return err
	}
	if err := c.run(filepath.Join(bin, "kube-apiserver"), "--etcd-servers="+client, "--secure-port="+ports[2], "--bind-address=127.0.0.1",
		"--cert-dir="+c.path("certs"), "--service-account-key-file="+c.path("sa.key"), "--service-account-signing-key-file="+c.path("sa.key"),
		"--service-account-issuer=https://kubernetes.test", "--authorization-mode=RBAC", "--token-auth-file="+c.path("tokens.csv"),
		"--service-cluster-ip-range=10.96.0.0/16", "--kubelet-client-certificate="+c.path("kubelet.crt"), "--kubelet-client-key="+c.path("kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP", "--max-requests-inflight=0", "--max-mutating-requests-inflight=0", "--enable-priority-and-fairness=false"); err != nil {
		return err
	}
	c.base = "https://127.0.0.1:" + ports[2]
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.controllers(bin); err != nil {
		return err
	}
	// One node that is always there: whether it is the last one is part of a plan.
	if status, said := c.ask(http.MethodPost, "/api/v1/nodes", "", obj{"metadata": obj{"name": "spare"}}); status != http.StatusCreated {
		return fmt.Errorf("make a node: %d %s", status, said)
	}
	c.kube, err = startKubelet(c)
	return err
}

func (c *cluster) controllers(bin string) error {
	conf := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"clusters":[{"name":"c","cluster":{"server":%q,"certificate-authority":%q}}],"users":[{"name":"u","user":{"token":%q}}]}`, c.base, c.path("ca.crt"), c.admin)
	if err := os.WriteFile(c.path("kubeconfig"), []byte(conf), 0o600); err != nil {
		return err
	}
	return c.run(filepath.Join(bin, "kube-controller-manager"), "--kubeconfig="+c.path("kubeconfig"), "--leader-elect=false", "--secure-port=0",
		"--service-account-private-key-file="+c.path("sa.key"), "--kube-api-qps=200", "--kube-api-burst=400",
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,endpointslice-controller,job-controller,"+
			"cronjob-controller,serviceaccount-controller,serviceaccount-token-controller,taint-eviction-controller,garbage-collector-controller")
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }

// writeKeys makes what the servers know each other by.
func (c *cluster) writeKeys() error {
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"kubelet.test"}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return err
	}
	ec, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(c.path("sa.key"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(signing)}), 0o600),
		os.WriteFile(c.path("kubelet.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(c.path("kubelet.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec}), 0o600),
		os.WriteFile(c.path("tokens.csv"), []byte(c.admin+`,admin,admin,"system:masters"`+"\n"), 0o600))
}

// run starts a program whose output goes to a file and which dies with this process.
func (c *cluster) run(program string, args ...string) error {
	out, err := os.Create(c.path(filepath.Base(program) + ".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.procs = append(c.procs, cmd)
	return nil
}

// ready waits until the API server says it is, or a minute.
func (c *cluster) ready() error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		crt, err := os.ReadFile(c.path("certs/apiserver.crt"))
		if err != nil {
			continue
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(crt)
		c.ca = crt
		c.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 50}}
		if status, body := c.ask(http.MethodGet, "/readyz", "", nil); status == 200 && string(body) == "ok" {
			return os.WriteFile(c.path("ca.crt"), crt, 0o600)
		}
	}
	said, _ := os.ReadFile(c.path("kube-apiserver.log"))
	return fmt.Errorf("the API server is not ready: %s", said[max(0, len(said)-2000):])
}

func (c *cluster) stop() {
	if c.kube != nil {
		c.kube.stop()
	}
	for i := len(c.procs) - 1; i >= 0; i-- {
		_ = c.procs[i].Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = c.procs[i].Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = c.procs[i].Process.Kill()
			<-done
		}
	}
	_ = os.RemoveAll(c.dir)
}

// ask is one request as the administrator, or with another's token; status 0 is no answer.
func (c *cluster) ask(method, path, token string, body any) (int, []byte) {
	if token == "" {
		token = c.admin
	}
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		in = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	out, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, out
}

// yaml creates an object from a document as people apply it; the API server reads it itself.
func (c *cluster) yaml(path, doc string) (int, []byte) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.base+path, strings.NewReader(doc))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.admin)
	req.Header.Set("Content-Type", "application/yaml")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, said
}

// watch calls each for every object of a kind, as it is and as it changes, until the end.
func (c *cluster) watch(ctx context.Context, path string, each func(kind string, o obj)) {
	for ctx.Err() == nil {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?watch=true", nil)
		req.Header.Set("Authorization", "Bearer "+c.admin)
		resp, err := c.http.Do(req)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var e struct {
				Type   string
				Object obj
			}
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				each(e.Type, e.Object)
			}
		}
		_ = resp.Body.Close()
	}
}

// obj is any object, as JSON has it.
type obj map[string]any

// at is what is found down a path of keys; nil when nothing is.
func (o obj) at(keys ...string) any {
	var v any = map[string]any(o)
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func (o obj) text(keys ...string) string {
	s, _ := o.at(keys...).(string)
	return s
}

func (o obj) list(keys ...string) []obj {
	all, _ := o.at(keys...).([]any)
	var out []obj
	for _, v := range all {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// must is one request of the administrator that has to work.
func (c *cluster) must(t testing.TB, method, path string, body any) obj {
	t.Helper()
	status, answer := c.ask(method, path, "", body)
	if status < 200 || status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	var out obj
	_ = json.Unmarshal(answer, &out)
	return out
}

// until waits for something to become true, at most half a minute.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}

func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }()
		_, port, _ := strings.Cut(l.Addr().String(), ":")
		out = append(out, port)
	}
	return out, nil
}

// hostAddress is an address of this machine that is not loopback, to which the API server
// forwards; what is sent there does not leave the machine.
func hostAddress() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}
