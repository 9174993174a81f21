package main

import (
	"cmp"
	"encoding/base64"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Terms is the input of every workflow, in seconds. Absent: long enough for any of them.
type Terms struct {
	Creation  int `json:"creation,omitempty"`
	Execution int `json:"execution,omitempty"`
	Heartbeat int `json:"heartbeat,omitempty"`
	// Beat is the heartbeat timeout of long activities.
	Beat int `json:"beat,omitempty"`
	// Sleep is what the long command is to be given, so that its process can be told from others.
	Sleep string `json:"sleep,omitempty"`
}

func (t Terms) options() *workflow.SessionOptions {
	return &workflow.SessionOptions{
		CreationTimeout:  seconds(t.Creation, 120),
		ExecutionTimeout: seconds(t.Execution, 600),
		HeartbeatTimeout: seconds(t.Heartbeat, 6),
	}
}

func seconds(given, otherwise int) time.Duration {
	return time.Duration(cmp.Or(given, otherwise)) * time.Second
}

// Exec is the input of the activity "exec", ExecResult its result.
type Exec struct {
	Argv []string `json:"argv"`
}

type ExecResult struct {
	ExitStatus   int    `json:"exitStatus"`
	Stdout       string `json:"stdout"`
	StdoutBase64 string `json:"stdoutBase64,omitempty"`
	Stderr       string `json:"stderr"`
}

// Where tells which session it was.
type Where struct {
	Session string `json:"session"`
	Host    string `json:"host"`
}

func where(ctx workflow.Context) Where {
	info := workflow.GetSessionInfo(ctx)
	return Where{Session: info.SessionID, Host: info.HostName}
}

func withAttempts(ctx workflow.Context, most int32) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, MaximumAttempts: most},
	})
}

// withHeartbeat is for activities that run long and are to hear of a cancel.
func withHeartbeat(ctx workflow.Context, timeout time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:    timeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

func launch(ctx workflow.Context, argv ...string) workflow.Future {
	return workflow.ExecuteActivity(ctx, "exec", Exec{Argv: argv})
}

func output(ctx workflow.Context, future workflow.Future) (string, error) {
	var result ExecResult
	if err := future.Get(ctx, &result); err != nil {
		return "", err
	}
	if result.StdoutBase64 != "" {
		raw, err := base64.StdEncoding.DecodeString(result.StdoutBase64)
		return string(raw), err
	}
	return strings.TrimSpace(result.Stdout), nil
}

func shell(ctx workflow.Context, script string) (string, error) {
	return output(ctx, launch(ctx, "sh", "-c", script))
}
