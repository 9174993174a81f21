package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

func ordinaryWorker(c client.Client, queue string) worker.Worker {
	w := worker.New(c, queue, worker.Options{})
	for _, workflow := range []any{Files, Held, Two, Sleeps, Fails, Lost, Recreate, Long} {
		w.RegisterWorkflow(workflow)
	}
	w.RegisterActivity(Greet)
	return w
}

func Greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

// sessionWorker does what a pool with "exec", "fail" and "steps" does, in a folder of this process.
func sessionWorker(c client.Client, queue string, slots int) (worker.Worker, error) {
	folder, err := os.MkdirTemp("", "session-worker-")
	if err != nil {
		return nil, err
	}
	w := worker.New(c, queue, worker.Options{EnableSessionWorker: true, MaxConcurrentSessionExecutionSize: slots,
		DisableWorkflowWorker: true})
	host := host{folder}
	w.RegisterActivity(Greet) // It serves the ordinary queue too.
	w.RegisterActivityWithOptions(host.exec, activity.RegisterOptions{Name: "exec"})
	w.RegisterActivityWithOptions(host.fail, activity.RegisterOptions{Name: "fail"})
	w.RegisterActivityWithOptions(host.steps, activity.RegisterOptions{Name: "steps"})
	return w, nil
}

type host struct{ folder string }

// work is the folder of a workflow: an activity is not told its session.
func (h host) work(ctx context.Context) (string, error) {
	folder := filepath.Join(h.folder, activity.GetInfo(ctx).WorkflowExecution.ID)
	return folder, os.MkdirAll(folder, 0o700)
}

func (h host) exec(ctx context.Context, in Exec) (*ExecResult, error) {
	folder, err := h.work(ctx)
	if err != nil {
		return nil, err
	}
	defer beat(ctx)()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, in.Argv[0], in.Argv[1:]...)
	command.Dir, command.Stdout, command.Stderr = folder, &stdout, &stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = command.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return &ExecResult{ExitStatus: command.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// fail is a command that exits with status 3.
func (h host) fail(ctx context.Context) error {
	result, err := h.exec(ctx, Exec{Argv: []string{"sh", "-c", "echo try >> tries; echo no such luck >&2; exit 3"}})
	if err != nil {
		return err
	}
	return temporal.NewApplicationError(result.Stderr, "ExitStatus",
		map[string]any{"exitStatus": result.ExitStatus, "stderr": result.Stderr})
}

func (h host) steps(ctx context.Context, in map[string]string) (map[string]int, error) {
	folder, err := h.work(ctx)
	if err != nil {
		return nil, err
	}
	step := time.NewTicker(100 * time.Millisecond)
	defer step.Stop()
	for done := 1; ; done++ {
		progress := map[string]int{"done": done}
		activity.RecordHeartbeat(ctx, progress)
		if _, err := os.Stat(filepath.Join(folder, in["until"])); err == nil {
			return progress, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-step.C:
		}
	}
}

// beat tells that an activity is worked on, until what it returns is called.
func beat(ctx context.Context) func() {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return stop
}
