/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * An entry is with the kernel, until the completion of its command says that there is a request in
 * it; then it is at work, until the reply; and with the reply's command it goes back to the kernel.
 * Its payload is pinned memory, so a WRITE's data is fetched by the device from where the kernel
 *put it, and a READ's put where the kernel takes it. Other replies are copied there:
 *
 *	payload of a READ, readdir ...     |    the reply's body ...
 *	payload of others   | names, data of the request | (page) a reply may be made here ...
 *
 * Only the ring's own thread touches the ring. A reply that comes from another one (which polled a
 * shared queue of the device, or took care of a request that was set aside) is handed over in a
 * list, and the thread woken by an eventfd that the ring reads from.
 *
 * Where the thread runs, and when others of the kernel copy for it, ring-place.c says; and which
 * others go before it, ring-idle.c.
 *
 * While a job is on the device the thread looks for its end and for the next request in turns, at
 * last with short naps; with none there it sleeps in the kernel.
 */
#include "fuse/ring-rounds.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pause.h"
#include "fuse/transport-dev.h"
#include "fuse/waiting-room.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define PAGE ((size_t)4096)

/* As long as a queue of large jobs takes a thread waits and lets others run that want to, but only
 * from time to time: if it does so all the time, 8 jobs of 1 MiB read 15 % less on an H200. Then it
 * naps. Where a processor has to be woken from idleness, which in a virtual machine takes as long
 * as a job, a nap is the last choice. */
#define YIELD_GAP_NS 40000
#define SPIN_NS 600000
#define NAP_NS 30000

/* Commands */

static struct io_uring_sqe *prepare(struct ring *ring, void *user_data)
{
	/* There is one for each entry and one for the eventfd. */
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (!sqe)
		abort();
	memset(sqe, 0, 2 * sizeof(*sqe)); /* IORING_SETUP_SQE128 */
	io_uring_sqe_set_data(sqe, user_data);
	return sqe;
}

/* Give ENTRY to the kernel. */
static void prepare_command(struct ring_entry *entry, uint32_t command)
{
	struct ring *ring = entry->ring;
	struct io_uring_sqe *sqe = prepare(ring, entry);
	const struct fuse_uring_cmd_req argument = {
		.commit_id = entry->commit_id,
		.qid = entry->queue,
	};

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = ring->fd;
	sqe->cmd_op = command;
	/* With the reply the kernel copies what was read, and what the next request is to write.
	 * While the thread has others at work, that is left to a helper of the kernel's. */
	if (command == FUSE_IO_URING_CMD_COMMIT_AND_FETCH && ring->roams && ring->at_work &&
		!ring->helpless)
		sqe->flags |= IOSQE_ASYNC;
	if (command == FUSE_IO_URING_CMD_REGISTER) {
		sqe->addr = (uintptr_t)entry->parts;
		sqe->len = 2;
	}
	memcpy(sqe->cmd, &argument, sizeof(argument));
	entry->command = command;
	ring->with_kernel++;
}

static void prepare_wake(struct ring *ring)
{
	struct io_uring_sqe *sqe = prepare(ring, NULL);

	sqe->opcode = IORING_OP_READ;
	sqe->fd = ring->wake_fd;
	sqe->addr = (uintptr_t)&ring->wakes;
	sqe->len = sizeof(ring->wakes);
}

void ring_wake(struct ring *ring)
{
	const uint64_t one = 1;

	if (write(ring->wake_fd, &one, sizeof(one)) != sizeof(one))
		log_debug("ring %u can't be woken: errno %d", ring->options.number, errno);
}

/* Requests and replies */

/* What was done before a reply was done before the requests that come of it. The kernel sees to
 * that, which ThreadSanitizer can't see. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define AFTER_REPLIES(connection) __tsan_acquire(connection)
#define BEFORE_REQUESTS(connection) __tsan_release(connection)
#else
#define AFTER_REPLIES(connection) (void)(connection)
#define BEFORE_REQUESTS(connection) (void)(connection)
#endif

uint8_t *ring_payload(const struct ring_entry *entry)
{
	return store_buffer_bytes(entry->ring->payloads) + entry->payload_offset;
}

static void commit(struct ring_entry *entry)
{
	entry->ring->at_work--;
	prepare_command(entry, FUSE_IO_URING_CMD_COMMIT_AND_FETCH);
}

static void reply(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	struct ring_entry *entry = request->transport_data;
	struct ring *ring = entry->ring;
	/* Requests without a reply don't come this way, but an entry must not be lost. */
	const struct fuse_out_header none = {
		.len = sizeof(none),
		.unique = request->header->unique,
	};
	size_t bytes;

	header = header ? header : &none;
	bytes = header->len - sizeof(*header);
	if (bytes && body != ring_payload(entry))
		memmove(ring_payload(entry), body, bytes);
	memcpy(entry->header->in_out, header, sizeof(*header));
	entry->header->ring_ent_in_out.payload_sz = (uint32_t)bytes;
	BEFORE_REQUESTS(request->connection);
	if (pthread_equal(pthread_self(), ring->thread)) {
		commit(entry);
		return;
	}
	entry->next = atomic_load(&ring->replied);
	while (!atomic_compare_exchange_weak(&ring->replied, &entry->next, entry))
		;
	if (atomic_exchange(&ring->asleep, false))
		ring_wake(ring);
}

static void notify(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	const struct ring_entry *entry = request->transport_data;

	transport_dev_send(entry->ring->fd, header, body);
}

static bool set_aside(struct fuse_request *request)
{
	const struct ring_entry *entry = request->transport_data;

	waiting_room_enter(entry->ring->options.waiting_room, request);
	return true;
}

static const struct fuse_transport functions = {
	.reply = reply,
	.notify = notify,
	.set_aside = set_aside,
	.shares_threads = true,
};

/* The bytes of a file that a request reads or writes; WRITTEN are those that came with it. */
static size_t bytes_moved(const struct fuse_in_header *header,
	const struct fuse_uring_req_header *headers, size_t written)
{
	const struct fuse_read_in *read = (const void *)headers->op_in;

	return header->opcode == FUSE_READ ? read->size : written;
}

static void dispatch(struct ring_entry *entry)
{
	struct ring *ring = entry->ring;
	const struct fuse_in_header *header = (const void *)entry->header->in_out;
	size_t data_bytes = entry->header->ring_ent_in_out.payload_sz;
	size_t argument_bytes = header->len - sizeof(*header) - data_bytes;
	size_t reply_offset;

	AFTER_REPLIES(ring->options.connection);
	/* The kernel says how long all is, and how much of it is payload. */
	if (data_bytes > RING_PAYLOAD_BYTES)
		data_bytes = RING_PAYLOAD_BYTES;
	if (argument_bytes > sizeof(entry->header->op_in))
		argument_bytes = sizeof(entry->header->op_in);
	reply_offset = (data_bytes + PAGE - 1) / PAGE * PAGE;
	entry->commit_id = entry->header->ring_ent_in_out.commit_id;
	entry->request = (struct fuse_request){
		.connection = ring->options.connection,
		.queue = ring->queue,
		.thread = ring->options.number,
		.header = header,
		.argument = entry->header->op_in,
		.argument_bytes = argument_bytes,
		.data = (const char *)ring_payload(entry),
		.data_bytes = data_bytes,
		.buffer = ring->payloads,
		.reply_offset = entry->payload_offset + reply_offset,
		.reply_capacity = RING_PAYLOAD_BYTES - reply_offset,
		.transport = &functions,
		.transport_data = entry,
	};
	ring->at_work++;
	ring_place_see(ring, bytes_moved(header, entry->header, data_bytes));
	/* Behind that: the kernel's helpers are what the thread is when it first has some. */
	ring_idle_see(ring);
	fuse_dispatch(&entry->request);
}

static void end_command(struct ring *ring, struct ring_entry *entry, int result)
{
	ring->with_kernel--;
	if (result == 0) {
		dispatch(entry);
	} else if (result == -EAGAIN || result == -EINTR || result == -ECANCELED) {
		/* The last where the kernel can't make a helper. */
		ring->helpless = ring->helpless || result == -ECANCELED;
		prepare_command(entry, entry->command);
	} else if (result != -ENOTCONN) { /* which says that the connection has ended */
		log_debug("queue %u lost an entry: command %u, errno %d", entry->queue,
			entry->command, -result);
	}
}

static bool next_completion(struct ring *ring, struct ring_entry **ret_entry, int *ret_result)
{
	struct io_uring_cqe *completion;

	if (io_uring_peek_cqe(&ring->uring, &completion))
		return false;
	*ret_entry = io_uring_cqe_get_data(completion);
	*ret_result = completion->res;
	io_uring_cqe_seen(&ring->uring, completion);
	return true;
}

/* The thread's rounds */

static bool take_completions(struct ring *ring)
{
	struct store *store = fs_store(ring->options.connection->fs);
	const bool several = io_uring_cq_ready(&ring->uring) > 1;
	struct ring_entry *entry;
	int result;
	bool any = false;

	if (several)
		store_hold_launches(store, true);
	while (next_completion(ring, &entry, &result)) {
		any = true;
		if (entry)
			end_command(ring, entry, result);
		else
			prepare_wake(ring);
	}
	if (several)
		store_hold_launches(store, false);
	return any;
}

static void take_replied(struct ring *ring)
{
	struct ring_entry *entry = atomic_exchange(&ring->replied, NULL);

	while (entry) {
		struct ring_entry *next = entry->next;

		commit(entry);
		entry = next;
	}
}

static bool is_over(const struct ring *ring)
{
	return ring->at_work == 0 && (ring->with_kernel == 0 || atomic_load(&ring->stopping));
}

/* Until something has happened; at most for MOST, if not NULL. */
static void sleep_in_kernel(struct ring *ring, struct __kernel_timespec *most)
{
	struct io_uring_cqe *completion;

	atomic_store(&ring->asleep, true);
	if (atomic_load(&ring->replied) || (atomic_load(&ring->stopping) && ring->at_work == 0))
		io_uring_submit(&ring->uring);
	else if (most)
		(void)io_uring_submit_and_wait_timeout(&ring->uring, &completion, 1, most, NULL);
	else
		(void)io_uring_submit_and_wait(&ring->uring, 1);
	atomic_store(&ring->asleep, false);
}

/* Until a job on the device may have ended. */
static void wait_for_job(struct ring *ring)
{
	struct __kernel_timespec nap = {.tv_nsec = NAP_NS};
	int64_t now = clock_ns(), waited;

	if (!ring->waits_since_ns) {
		ring->waits_since_ns = now;
		ring->yields_after_ns = YIELD_GAP_NS;
	}
	waited = now - ring->waits_since_ns;
	if (waited >= SPIN_NS) {
		sleep_in_kernel(ring, &nap);
	} else if (waited >= ring->yields_after_ns) {
		sched_yield();
		ring->yields_after_ns = waited + YIELD_GAP_NS;
	} else {
		processor_pause();
	}
}

static void wait_for_more(struct ring *ring, bool jobs_in_flight)
{
	if (!jobs_in_flight || ring->at_work == 0) {
		ring->waits_since_ns = 0;
		sleep_in_kernel(ring, NULL);
	} else if (io_uring_sq_ready(&ring->uring)) {
		ring->waits_since_ns = 0;
		(void)io_uring_submit_and_get_events(&ring->uring);
	} else if (store_help(fs_store(ring->options.connection->fs))) {
		ring->waits_since_ns = 0;
	} else {
		wait_for_job(ring);
	}
}

void ring_rounds_serve(struct ring *ring)
{
	prepare_wake(ring);
	for (;;) {
		bool jobs_in_flight;

		if (take_completions(ring))
			ring->waits_since_ns = 0;
		take_replied(ring);
		jobs_in_flight = store_poll(ring->queue);
		if (is_over(ring))
			return;
		wait_for_more(ring, jobs_in_flight);
	}
}

int ring_rounds_register(struct ring *ring, bool last)
{
	struct io_uring_cqe *completion;
	unsigned head;
	int submitted;

	for (unsigned i = 0; i < ring->entry_count; i++)
		if ((ring->entries[i].queue == 0) == last)
			prepare_command(&ring->entries[i], FUSE_IO_URING_CMD_REGISTER);
	submitted = io_uring_submit(&ring->uring);
	if (submitted < 0)
		return submitted;
	/* What is refused ends at once, what is taken only with a request. All are left for the
	 * rounds to take. */
	io_uring_for_each_cqe(&ring->uring, head, completion)
	{
		if (completion->res < 0)
			return completion->res;
	}
	return 0;
}
