package creds

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
)

// nonceSize is the length of a nonce, which makes every record another one.
const nonceSize = 32

// recorded returns the record of the last failure under key, nil if there is none.
func (f *Flight[T]) recorded(ctx context.Context, key string) ([]byte, error) {
	if f.Failures == nil {
		return nil, nil
	}
	data, err := f.Failures.Get(ctx, key)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, ErrNotFound):
		return nil, nil
	}
	return nil, fmt.Errorf("read the last failure: %w", err)
}

// replay says what a record means to a caller of this process.
func (f *Flight[T]) replay(record []byte, waited bool) error {
	if len(record) < nonceSize {
		return nil
	}
	return f.Replay(record[nonceSize:], waited)
}

// record keeps a failure for those of other processes who wait. One that is nobody
// else's business leaves an older record where it is: that one is still true.
func (f *Flight[T]) record(ctx context.Context, key string, failure error) error {
	if f.Failures == nil {
		return nil
	}
	record := f.Record(failure)
	if record == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLimit)
	defer cancel()
	if err := f.Failures.Put(limited, key, append(nonce(), record...)); err != nil {
		return fmt.Errorf("keep the failure for those who wait: %w", err)
	}
	return nil
}

// nonce is another one for every record. It need not be hard to guess.
func nonce() []byte {
	return fmt.Appendf(nil, "%016x%016x", maphash.Bytes(maphash.MakeSeed(), nil), maphash.Bytes(maphash.MakeSeed(), nil))
}

// Settle waits until no call is under way any more, or ctx ends. A process that leaves
// because its person did leaves what it owes to others behind that way.
func (f *Flight[T]) Settle(ctx context.Context) {
	for {
		var under *call[T]
		f.mu.Lock()
		for _, under = range f.calls {
			break
		}
		f.mu.Unlock()
		if under == nil {
			return
		}
		select {
		case <-under.done:
		case <-ctx.Done():
			return
		}
	}
}
