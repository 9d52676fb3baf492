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
 * While a job is on the device the thread looks for its end and for the next request in turns, then
 * with short naps; with none there it sleeps in the kernel.
 */
#include "fuse/ring.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pause.h"
#include "base/trace.h"
#include "fuse/waiting-room.h"

#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define PAYLOAD_BYTES ((size_t)FS_IO_MAX)
#define PAGE ((size_t)4096)

/* About 40 us: what most jobs take. */
#define SPINS 2000u
#define NAP_NS 30000

struct entry {
	struct fuse_request request;
	struct ring *ring;
	struct fuse_uring_req_header *header;
	size_t payload_offset; /* in ring->payloads */
	struct iovec parts[2]; /* both, for REGISTER */
	uint64_t commit_id;
	uint32_t command; /* the last one */
	uint16_t queue;
	struct entry *next; /* in ring->replied */
};

enum ring_task { TASK_NONE, TASK_MAKE, TASK_REGISTER, TASK_REGISTER_LAST, TASK_SERVE, TASK_END };

struct ring {
	struct ring_options options;
	struct io_uring uring;
	bool uring_made;
	int fd;      /* /dev/fuse */
	int wake_fd; /* eventfd */
	uint64_t wakes;
	struct store_queue *queue;
	struct device_pinned *payloads;
	struct fuse_uring_req_header *headers;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of the two below; signals `changed` */
	pthread_cond_t changed;
	enum ring_task task; /* what the thread is to do; TASK_NONE when it has done that */
	int err;             /* how it went */

	/* The thread's own */
	unsigned with_kernel, at_work; /* entries */
	unsigned spins;

	_Atomic(struct entry *) replied; /* by other threads */
	atomic_bool asleep, stopping;

	unsigned entry_count;
	struct entry entries[];
};

/* The ring whose thread this is. */
static _Thread_local const struct ring *own_ring;

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
static void prepare_command(struct entry *entry, uint32_t command)
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

static void wake(struct ring *ring)
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

static uint8_t *payload(const struct entry *entry)
{
	return store_buffer_bytes(entry->ring->payloads) + entry->payload_offset;
}

static void commit(struct entry *entry)
{
	entry->ring->at_work--;
	prepare_command(entry, FUSE_IO_URING_CMD_COMMIT_AND_FETCH);
}

static void reply(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	struct entry *entry = request->transport_data;
	struct ring *ring = entry->ring;
	/* Requests without a reply don't come this way, but an entry must not be lost. */
	const struct fuse_out_header none = {
		.len = sizeof(none),
		.unique = request->header->unique,
	};
	size_t bytes;

	header = header ? header : &none;
	bytes = header->len - sizeof(*header);
	if (bytes && body != payload(entry))
		memmove(payload(entry), body, bytes);
	memcpy(entry->header->in_out, header, sizeof(*header));
	entry->header->ring_ent_in_out.payload_sz = (uint32_t)bytes;
	BEFORE_REQUESTS(request->connection);
	if (own_ring == ring) {
		commit(entry);
		return;
	}
	entry->next = atomic_load(&ring->replied);
	while (!atomic_compare_exchange_weak(&ring->replied, &entry->next, entry))
		;
	if (atomic_exchange(&ring->asleep, false))
		wake(ring);
}

static void notify(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	const struct entry *entry = request->transport_data;
	struct iovec parts[] = {
		{(void *)header, sizeof(*header)},
		{(void *)body, header->len - sizeof(*header)},
	};

	if (writev(entry->ring->fd, parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
		log_debug("notification %d failed: errno %d", header->error, errno);
}

static bool set_aside(struct fuse_request *request)
{
	const struct entry *entry = request->transport_data;

	waiting_room_enter(entry->ring->options.waiting_room, request);
	return true;
}

static const struct fuse_transport functions = {
	.reply = reply,
	.notify = notify,
	.set_aside = set_aside,
	.shares_threads = true,
};

static void dispatch(struct entry *entry)
{
	struct ring *ring = entry->ring;
	const struct fuse_in_header *header = (const void *)entry->header->in_out;
	size_t data_bytes = entry->header->ring_ent_in_out.payload_sz;
	size_t argument_bytes = header->len - sizeof(*header) - data_bytes;
	size_t reply_offset;

	AFTER_REPLIES(ring->options.connection);
	/* The kernel says how long all is, and how much of it is payload. */
	if (data_bytes > PAYLOAD_BYTES)
		data_bytes = PAYLOAD_BYTES;
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
		.data = (const char *)payload(entry),
		.data_bytes = data_bytes,
		.buffer = ring->payloads,
		.reply_offset = entry->payload_offset + reply_offset,
		.reply_capacity = PAYLOAD_BYTES - reply_offset,
		.transport = &functions,
		.transport_data = entry,
	};
	ring->at_work++;
	fuse_dispatch(&entry->request);
}

static void end_command(struct ring *ring, struct entry *entry, int result)
{
	ring->with_kernel--;
	if (result == 0)
		dispatch(entry);
	else if (result == -EAGAIN || result == -EINTR)
		prepare_command(entry, entry->command);
	else if (result != -ENOTCONN) /* which says that the connection has ended */
		log_debug("queue %u lost an entry: command %u, errno %d", entry->queue,
			entry->command, -result);
}

static bool next_completion(struct ring *ring, struct entry **ret_entry, int *ret_result)
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
	struct entry *entry;
	int result;
	bool any = false;

	while (next_completion(ring, &entry, &result)) {
		any = true;
		if (entry)
			end_command(ring, entry, result);
		else
			prepare_wake(ring);
	}
	return any;
}

static void take_replied(struct ring *ring)
{
	struct entry *entry = atomic_exchange(&ring->replied, NULL);

	while (entry) {
		struct entry *next = entry->next;

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

static void wait_for_more(struct ring *ring, bool jobs_in_flight)
{
	struct __kernel_timespec nap = {.tv_nsec = NAP_NS};

	if (!jobs_in_flight || ring->at_work == 0)
		sleep_in_kernel(ring, NULL);
	else if (io_uring_sq_ready(&ring->uring)) {
		(void)io_uring_submit_and_get_events(&ring->uring);
		ring->spins = 0;
	} else if (store_help(fs_store(ring->options.connection->fs)))
		ring->spins = 0;
	else if (ring->spins++ < SPINS)
		processor_pause();
	else
		sleep_in_kernel(ring, &nap);
}

static void serve(struct ring *ring)
{
	prepare_wake(ring);
	for (;;) {
		bool jobs_in_flight;

		if (take_completions(ring))
			ring->spins = 0;
		take_replied(ring);
		jobs_in_flight = store_poll(ring->queue);
		if (is_over(ring))
			return;
		wait_for_more(ring, jobs_in_flight);
	}
}

static int register_entries(struct ring *ring, bool last)
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

static int make_uring(struct ring *ring)
{
	/* IORING_SETUP_DEFER_TASKRUN: requests arrive when the thread asks for them, not in the
	 * middle of another. */
	struct io_uring_params parameters = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG,
		.cq_entries = 2 * (ring->entry_count + 1),
	};
	int err = io_uring_queue_init_params(ring->entry_count + 1, &ring->uring, &parameters);

	ring->uring_made = !err;
	if (!err)
		(void)io_uring_register_ring_fd(&ring->uring); /* faster, where the kernel can */
	return err;
}

static int carry_out(struct ring *ring, enum ring_task task)
{
	switch (task) {
	case TASK_MAKE:
		return make_uring(ring);
	case TASK_REGISTER:
	case TASK_REGISTER_LAST:
		return register_entries(ring, task == TASK_REGISTER_LAST);
	case TASK_SERVE:
		serve(ring);
		return 0;
	default:
		return 0;
	}
}

static void stay_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)processor, &set);
	/* If that is not to be, it only takes longer. */
	if (sched_setaffinity(0, sizeof(set), &set))
		log_debug("no thread of ours may stay on processor %d", processor);
}

/* For those who look at this process, with ps or with a profiler. */
static void name_thread(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "vramfs-ring-%u", number % 1000);
	pthread_setname_np(pthread_self(), name);
	trace_name_thread(name);
}

static void *ring_main(void *argument)
{
	struct ring *ring = argument;
	bool goes_on = true;
	int err = 0;

	own_ring = ring;
	name_thread(ring->options.number);
	if (ring->options.processor >= 0)
		stay_on(ring->options.processor);
	ring->queue = store_queue(fs_store(ring->options.connection->fs));
	pthread_mutex_lock(&ring->lock);
	while (goes_on) {
		enum ring_task task = ring->task;

		if (task == TASK_NONE) {
			pthread_cond_wait(&ring->changed, &ring->lock);
			continue;
		}
		pthread_mutex_unlock(&ring->lock);
		goes_on = task != TASK_SERVE && task != TASK_END;
		if (!err)
			err = carry_out(ring, task);
		pthread_mutex_lock(&ring->lock);
		ring->err = err;
		ring->task = TASK_NONE;
		pthread_cond_broadcast(&ring->changed);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

static void set_task(struct ring *ring, enum ring_task task)
{
	pthread_mutex_lock(&ring->lock);
	ring->task = task;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

static int wait_for_task(struct ring *ring)
{
	int err;

	pthread_mutex_lock(&ring->lock);
	while (ring->task != TASK_NONE)
		pthread_cond_wait(&ring->changed, &ring->lock);
	err = ring->err;
	pthread_mutex_unlock(&ring->lock);
	return err;
}

/* Making and ending */

static int make_entries(struct ring *ring)
{
	const struct ring_options *options = &ring->options;
	size_t header_bytes = ring->entry_count * sizeof(struct fuse_uring_req_header);
	unsigned index = 0;
	int err = store_buffer_alloc(fs_store(options->connection->fs),
		ring->entry_count * PAYLOAD_BYTES, &ring->payloads);

	if (err)
		return err;
	ring->headers = aligned_alloc(PAGE, (header_bytes + PAGE - 1) / PAGE * PAGE);
	if (!ring->headers)
		return -ENOMEM;
	memset(ring->headers, 0, header_bytes);
	for (uint16_t queue = options->queue; queue < options->queue_end;
		queue = (uint16_t)(queue + options->queue_gap)) {
		for (unsigned i = 0; i < options->depth; i++, index++) {
			struct entry *entry = &ring->entries[index];

			entry->ring = ring;
			entry->queue = queue;
			entry->header = &ring->headers[index];
			entry->payload_offset = index * PAYLOAD_BYTES;
			entry->parts[0] = (struct iovec){entry->header, sizeof(*entry->header)};
			entry->parts[1] = (struct iovec){payload(entry), PAYLOAD_BYTES};
		}
	}
	return 0;
}

static int start_thread(struct ring *ring)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&ring->thread, NULL, ring_main, ring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	ring->started = true;
	return 0;
}

DEFINE_CLEANUP(struct ring *, ring, ring_free)

err_t ring_new(const struct ring_options *options, struct ring **ret_ring)
{
	unsigned queues = (options->queue_end - options->queue + options->queue_gap - 1u) /
			  options->queue_gap;
	unsigned count = queues * options->depth;
	CLEANUP(ring_p)
	struct ring *ring = calloc(1, sizeof(*ring) + count * sizeof(ring->entries[0]));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->options = *options;
	ring->entry_count = count;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->changed, NULL);
	ring->wake_fd = eventfd(0, EFD_CLOEXEC);
	err = ring->wake_fd < 0 ? -errno : make_entries(ring);
	ring->task = TASK_MAKE;
	if (!err)
		err = start_thread(ring);
	if (!err)
		err = wait_for_task(ring);
	if (err)
		return err;
	*ret_ring = steal(&ring);
	return 0;
}

err_t ring_register(struct ring *ring, int fd, bool last)
{
	ring->fd = fd;
	set_task(ring, last ? TASK_REGISTER_LAST : TASK_REGISTER);
	return wait_for_task(ring);
}

void ring_serve(struct ring *ring)
{
	set_task(ring, TASK_SERVE);
}

void ring_stop(struct ring *ring)
{
	atomic_store(&ring->stopping, true);
	wake(ring);
}

void ring_join(struct ring *ring)
{
	if (!ring->started)
		return;
	pthread_mutex_lock(&ring->lock);
	/* Either it serves, and ends by itself, or it waits for something to do. */
	if (ring->task == TASK_NONE)
		ring->task = TASK_END;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	pthread_join(ring->thread, NULL);
	ring->started = false;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	ring_join(ring);
	if (ring->uring_made)
		io_uring_queue_exit(&ring->uring);
	close_p(&ring->wake_fd);
	store_buffer_free(ring->payloads);
	free(ring->headers);
	pthread_cond_destroy(&ring->changed);
	pthread_mutex_destroy(&ring->lock);
	free(ring);
}
