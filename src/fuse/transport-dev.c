/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The classic transport: read(2) a request from /dev/fuse, carry it out, writev(2) the reply. Each
 * thread has one request at a time, a descriptor of its own (cloned, so that the kernel keeps a
 * queue of requests in work for each) and a buffer of pinned memory:
 *
 *	0         4016        4056            4096
 *	|  unused  | in header | write_in      | data of a WRITE ...
 *	                                       | data of a READ's reply ...
 *
 * A WRITE's header and fixed argument are 80 bytes; reading the request to 80 bytes before a page
 * boundary puts its data on that boundary, where the device can fetch it directly. A READ's
 * request is as long, so its reply is made at the same place.
 *
 * Operations that move bytes end when the device has moved them; the thread polls its queue until
 * its request has been replied to or set aside, which may happen on another thread that shares the
 * queue. One that was set aside is resumed by the same thread, later. All but one may sleep for
 * that: what they wait for comes as a request, too.
 *
 * The threads end with the connection. To end them earlier they get a signal that interrupts the
 * waiting for a request; again and again, as one that comes just before the read(2) is lost.
 */
#include "fuse/transport-dev.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <time.h>

#define REQUEST_OFFSET TRANSPORT_DEV_REQUEST_OFFSET
#define BUFFER_BYTES TRANSPORT_DEV_BUFFER_BYTES
#define PAGE TRANSPORT_DEV_PAGE

#define STOP_SIGNAL SIGUSR2
#define STOP_AGAIN_NS 10000000

struct worker {
	struct transport_dev *transport;
	int fd;
	struct device_pinned *buffer;
	pthread_t thread;
	int err;                                            /* how it ended */
	_Atomic enum { AT_WORK, REPLIED, SET_ASIDE } state; /* of the request */
	struct fuse_request request;
};

struct transport_dev {
	struct fuse_connection *connection;
	unsigned count;
	atomic_bool stopped;
	_Atomic unsigned waiting; /* threads with a request that is set aside */
	pthread_mutex_t lock;     /* of `serving`; signals `changed` */
	pthread_cond_t changed;
	unsigned serving; /* threads */
	struct worker *workers;
};

DEFINE_CLEANUP(struct transport_dev *, transport_dev, transport_dev_free)

err_t transport_dev_new(
	struct fuse_connection *connection, unsigned threads, struct transport_dev **ret_transport)
{
	CLEANUP(transport_dev_p) struct transport_dev *transport = calloc(1, sizeof(*transport));
	int err;

	if (!transport)
		return -ENOMEM;
	transport->connection = connection;
	pthread_mutex_init(&transport->lock, NULL);
	pthread_cond_init(&transport->changed, NULL);
	err = transport_dev_grow(transport, threads);
	if (err)
		return err;
	*ret_transport = steal(&transport);
	return 0;
}

err_t transport_dev_grow(struct transport_dev *transport, unsigned threads)
{
	struct worker *workers = realloc(transport->workers, threads * sizeof(*workers));

	if (!workers)
		return -ENOMEM;
	transport->workers = workers;
	while (transport->count < threads) {
		struct worker *worker = &workers[transport->count];
		int err;

		*worker = (struct worker){.transport = transport};
		err = store_buffer_alloc(
			fs_store(transport->connection->fs), BUFFER_BYTES, &worker->buffer);
		if (err)
			return err;
		transport->count++;
	}
	return 0;
}

void transport_dev_free(struct transport_dev *transport)
{
	if (!transport)
		return;
	for (unsigned i = 0; i < transport->count; i++)
		store_buffer_free(transport->workers[i].buffer);
	pthread_cond_destroy(&transport->changed);
	pthread_mutex_destroy(&transport->lock);
	free(transport->workers);
	free(transport);
}

void transport_dev_send(int fd, const struct fuse_out_header *header, const void *body)
{
	const struct iovec parts[] = {
		{(void *)header, sizeof(*header)},
		{(void *)body, header->len - sizeof(*header)},
	};

	/* ENOENT: the kernel has given the request up; ENODEV: the connection. */
	if (writev(fd, parts, body ? 2 : 1) < 0 && errno != ENOENT && errno != ENODEV)
		log_debug("a message to the kernel failed (unique %llu): errno %d",
			(unsigned long long)header->unique, errno);
}

static void notify(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	const struct worker *worker = request->transport_data;

	transport_dev_send(worker->fd, header, body);
}

static void reply(
	struct fuse_request *request, const struct fuse_out_header *header, const void *body)
{
	struct worker *worker = request->transport_data;

	if (header)
		transport_dev_send(worker->fd, header, body);
	atomic_store_explicit(&worker->state, REPLIED, memory_order_release);
}

static bool set_aside(struct fuse_request *request)
{
	struct worker *worker = request->transport_data;
	struct transport_dev *transport = worker->transport;

	if (atomic_fetch_add(&transport->waiting, 1) + 1 >= transport->count) {
		atomic_fetch_sub(&transport->waiting, 1);
		return false;
	}
	atomic_store_explicit(&worker->state, SET_ASIDE, memory_order_release);
	return true;
}

static const struct fuse_transport functions = {
	.reply = reply,
	.notify = notify,
	.set_aside = set_aside,
};

bool transport_dev_parse(
	struct fuse_request *request, struct device_pinned *buffer, size_t request_bytes)
{
	const uint8_t *start = store_buffer_bytes(buffer) + REQUEST_OFFSET;
	const struct fuse_in_header *header = (const struct fuse_in_header *)start;
	const uint8_t *body = start + sizeof(*header);
	size_t body_bytes;

	if (request_bytes < sizeof(*header) || request_bytes != header->len)
		return false;
	body_bytes = request_bytes - sizeof(*header);
	request->header = header;
	request->buffer = buffer;
	request->reply_offset = (REQUEST_OFFSET + request_bytes + PAGE - 1) / PAGE * PAGE;
	request->reply_capacity = BUFFER_BYTES - request->reply_offset;
	request->argument = body;
	request->argument_bytes = fuse_argument_bytes(header->opcode);
	if (request->argument_bytes > body_bytes)
		request->argument_bytes = body_bytes;
	request->data = (const char *)body + request->argument_bytes;
	request->data_bytes = body_bytes - request->argument_bytes;
	return true;
}

/* Wait for the next request. 1: there is one; 0: the connection has ended. */
static int read_request(struct worker *worker)
{
	struct fuse_request *request = &worker->request;
	uint8_t *start = store_buffer_bytes(worker->buffer) + REQUEST_OFFSET;
	ssize_t got;

	while ((got = read(worker->fd, start, BUFFER_BYTES - REQUEST_OFFSET)) < 0) {
		/* ECONNABORTED: it ended while a request was being read. */
		if (errno == ENODEV || errno == ECONNABORTED)
			return 0;
		if (errno == EINTR && atomic_load(&worker->transport->stopped))
			return 0;
		/* ENOENT: the request was given up while it was being read. */
		if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return -errno;
	}
	request->connection = worker->transport->connection;
	request->transport = &functions;
	request->transport_data = worker;
	if (!transport_dev_parse(request, worker->buffer, (size_t)got))
		return -EIO;
	return 1;
}

/* INIT comes first and alone: nothing else is sent before its reply. */
err_t transport_dev_answer_init(struct transport_dev *transport, int fd)
{
	struct fuse_connection *connection = transport->connection;
	struct worker *worker = &transport->workers[0];

	worker->fd = fd;
	while (!connection->initialised) {
		int got = read_request(worker);

		if (got < 0)
			return got;
		if (got == 0)
			return -ENODEV; /* unmounted before it began */
		fuse_dispatch(&worker->request);
		if (connection->refused)
			return -EPROTO;
	}
	return 0;
}

/* Until the request has been replied to or set aside. */
static int wait_for_state(struct worker *worker)
{
	int state;

	while ((state = atomic_load_explicit(&worker->state, memory_order_acquire)) == AT_WORK)
		store_wait(worker->request.queue);
	return state;
}

static void carry_out(struct worker *worker)
{
	struct fuse_request *request = &worker->request;

	atomic_store_explicit(&worker->state, AT_WORK, memory_order_relaxed);
	fuse_dispatch(request);
	while (wait_for_state(worker) == SET_ASIDE) {
		const struct timespec until = {
			.tv_sec = request->resume_at_ns / 1000000000,
			.tv_nsec = request->resume_at_ns % 1000000000,
		};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		atomic_fetch_sub(&worker->transport->waiting, 1);
		atomic_store_explicit(&worker->state, AT_WORK, memory_order_relaxed);
		fuse_resume(request);
	}
}

void transport_dev_name_thread(const char *kind, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%s-%u", kind, number % 1000);
	pthread_setname_np(pthread_self(), name);
	trace_name_thread(name);
}

static void *serve(void *argument)
{
	struct worker *worker = argument;
	struct transport_dev *transport = worker->transport;
	struct store_queue *queue = store_queue(fs_store(transport->connection->fs));
	unsigned number = (unsigned)(worker - transport->workers);
	int got;

	worker->request.queue = queue;
	worker->request.thread = number;
	transport_dev_name_thread("vramfs-fuse", number);
	while ((got = read_request(worker)) > 0)
		carry_out(worker);
	worker->err = got;
	pthread_mutex_lock(&transport->lock);
	transport->serving--;
	pthread_cond_signal(&transport->changed);
	pthread_mutex_unlock(&transport->lock);
	return NULL;
}

/* A descriptor of our own for the connection; where that fails the common one serves as well. */
static int clone_fd(int fd)
{
	uint32_t original = (uint32_t)fd;
	int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (clone >= 0 && ioctl(clone, FUSE_DEV_IOC_CLONE, &original) < 0) {
		close(clone);
		clone = -1;
	}
	if (clone < 0) {
		log_debug("/dev/fuse can't be cloned: errno %d", errno);
		return fd;
	}
	return clone;
}

/* Start the threads. Returns how many there are then; one is enough to serve. */
static unsigned start_threads(struct transport_dev *transport, int fd)
{
	sigset_t others, before;
	unsigned i;

	/* All but ours are for the threads of the program that uses this. */
	sigfillset(&others);
	sigdelset(&others, STOP_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	pthread_mutex_lock(&transport->lock);
	for (i = 0; i < transport->count; i++) {
		struct worker *worker = &transport->workers[i];
		int err;

		worker->fd = i == 0 ? fd : clone_fd(fd);
		err = pthread_create(&worker->thread, NULL, serve, worker);
		if (err) {
			log_debug("only %u of %u threads: errno %d", i, transport->count, err);
			if (worker->fd != fd)
				close(worker->fd);
			break;
		}
	}
	transport->serving = i;
	pthread_mutex_unlock(&transport->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return i;
}

static void interrupt(int number)
{
	(void)number;
}

/* Wait until all RUNNING threads have ended; make them, once transport_dev_stop() was called. */
static void wait_for_end(struct transport_dev *transport, unsigned running)
{
	pthread_mutex_lock(&transport->lock);
	while (transport->serving) {
		struct timespec until;

		if (!atomic_load(&transport->stopped)) {
			pthread_cond_wait(&transport->changed, &transport->lock);
			continue;
		}
		/* None is joined yet, so all can be sent signals, those that have ended too. */
		for (unsigned i = 0; i < running; i++)
			pthread_kill(transport->workers[i].thread, STOP_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += STOP_AGAIN_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&transport->changed, &transport->lock, &until);
	}
	pthread_mutex_unlock(&transport->lock);
}

err_t transport_dev_serve(
	struct transport_dev *transport, int fd, void (*ready)(void *user), void *user)
{
	const struct sigaction interrupting = {.sa_handler = interrupt}; /* no SA_RESTART */
	unsigned running;
	int err = 0;

	sigaction(STOP_SIGNAL, &interrupting, NULL);
	running = start_threads(transport, fd);
	if (!running)
		return -EAGAIN;
	if (ready)
		ready(user);
	wait_for_end(transport, running);
	for (unsigned i = 0; i < running; i++) {
		struct worker *worker = &transport->workers[i];

		pthread_join(worker->thread, NULL);
		if (worker->fd != fd)
			close(worker->fd);
		err = err ? err : worker->err;
	}
	return err;
}

void transport_dev_stop(struct transport_dev *transport)
{
	atomic_store(&transport->stopped, true);
	pthread_mutex_lock(&transport->lock);
	pthread_cond_signal(&transport->changed);
	pthread_mutex_unlock(&transport->lock);
}
