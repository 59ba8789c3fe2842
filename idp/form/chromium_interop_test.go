//go:build interop

package form_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// browser is a Chromium without a window, driven over the DevTools protocol on a pipe:
// one JSON message after the other, each ended by a NUL. Page scripts are off.
type browser struct {
	to      io.Writer
	session string

	mu      sync.Mutex // guards what follows
	last    int
	waiting map[int]chan reply
	events  chan string // methods of the page's events; the oldest are lost when nobody reads
	dead    chan struct{}
}

type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// startBrowser starts Chromium with an empty profile of its own and no way to any host
// but this one, and ends it with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	fromUs, toBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromBrowser, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // the browser reads descriptor 3 and writes 4
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = fromUs.Close(), toUs.Close()
	b := &browser{to: toBrowser, waiting: map[int]chan reply{}, events: make(chan string, 64), dead: make(chan struct{})}
	go b.read(fromBrowser)
	t.Cleanup(func() {
		b.session = "" // the browser's own command, not the page's
		_, err := b.call(context.Background(), "Browser.close", nil)
		_, _ = toBrowser.Close(), fromBrowser.Close()
		_ = cmd.Wait()
		if err != nil {
			t.Errorf("close the browser: %v\n%s", err, stderr.String())
		}
	})
	b.attach(t)
	return b
}

// attach takes the browser's one page and switches its scripts off.
func (b *browser) attach(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var targets struct {
		TargetInfos []struct {
			TargetID string `json:"targetId"`
			Type     string `json:"type"`
		} `json:"targetInfos"`
	}
	b.must(t, ctx, &targets, "Target.getTargets", nil)
	for _, target := range targets.TargetInfos {
		if target.Type != "page" {
			continue
		}
		var attached struct {
			SessionID string `json:"sessionId"`
		}
		b.must(t, ctx, &attached, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
		b.session = attached.SessionID
		b.must(t, ctx, nil, "Page.enable", nil)
		b.must(t, ctx, nil, "Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
		return
	}
	t.Fatalf("the browser has no page: %+v", targets)
}

// read hands every answer to who waits for it, until the pipe ends.
func (b *browser) read(r io.Reader) {
	defer close(b.dead)
	for in := bufio.NewReader(r); ; {
		message, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m reply
		if json.Unmarshal(bytes.TrimSuffix(message, []byte{0}), &m) != nil {
			continue
		}
		b.mu.Lock()
		answer := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case answer != nil:
			answer <- m
		case m.Method != "":
			select {
			case b.events <- m.Method:
			default:
			}
		}
	}
}

// call sends one command and waits for its result.
func (b *browser) call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	answer := make(chan reply, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	message, err := json.Marshal(struct {
		ID        int    `json:"id"`
		Method    string `json:"method"`
		Params    any    `json:"params,omitempty"`
		SessionID string `json:"sessionId,omitempty"`
	}{id, method, params, b.session})
	if err == nil {
		_, err = b.to.Write(append(message, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %v", method, err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-b.dead:
		return nil, errors.New(method + ": the browser is gone")
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

func (b *browser) must(t *testing.T, ctx context.Context, into any, method string, params any) {
	t.Helper()
	result, err := b.call(ctx, method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(result, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// open loads a page and waits until it is there, with what it needs.
func (b *browser) open(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	for len(b.events) > 0 {
		<-b.events
	}
	var loaded struct {
		ErrorText string `json:"errorText"`
	}
	b.must(t, ctx, &loaded, "Page.navigate", map[string]any{"url": url})
	if loaded.ErrorText != "" {
		t.Fatalf("open %s: %s", url, loaded.ErrorText)
	}
	for {
		select {
		case event := <-b.events:
			if event == "Page.loadEventFired" {
				return
			}
		case <-ctx.Done():
			t.Fatalf("open %s: %v", url, ctx.Err())
		}
	}
}

// do runs an expression in the page on the tester's behalf: it stands for the person's
// hands, and works while the page's own scripts are off. It must yield a string.
func (b *browser) do(t *testing.T, ctx context.Context, expression string) string {
	t.Helper()
	var result struct {
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	b.must(t, ctx, &result, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "userGesture": true})
	if result.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, result.ExceptionDetails.Exception.Description)
	}
	return result.Result.Value
}

// typeText puts text where the focus is, as the keyboard would.
func (b *browser) typeText(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	b.must(t, ctx, nil, "Input.insertText", map[string]any{"text": text})
}
