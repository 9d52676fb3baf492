/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * The kernel refuses a ring's entries when all has been agreed on: then requests come over
 * /dev/fuse, and nobody waits for ever. REFUSE in the environment says when: `first`, or `last`,
 * when it has those of all queues but one. The linker puts __wrap_ring_register() in the place of
 * the real one.
 */
#include "mounted.h"

#include "fuse/ring.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

err_t __real_ring_register(struct ring *ring, int fd, bool last);
err_t __wrap_ring_register(struct ring *ring, int fd, bool last);

static pid_t server;

int __wrap_ring_register(struct ring *ring, int fd, bool last)
{
	const char *refuse = getenv("REFUSE");

	if (last == !strcmp(refuse, "last"))
		return -EINVAL;
	return __real_ring_register(ring, fd, last);
}

/* How many threads of the server have a name that begins with PREFIX. */
static unsigned threads(const char *prefix)
{
	char path[300], name[32];
	struct dirent *entry;
	unsigned count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)server);
	tasks = opendir(path);
	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)server, entry->d_name);
		file = fopen(path, "r");
		if (file && fgets(name, sizeof(name), file))
			count += !strncmp(name, prefix, strlen(prefix));
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return count;
}

static void requests_come_over_the_other_way(void **state)
{
	(void)state;
	make_file("file", 3000000, 1);
	check_file("file", 3000000, 1);
	must(unlink("file"));
	assert_int_equal(threads("vramfs-ring"), 0);
	assert_true(threads("vramfs-fuse") > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_over_the_other_way),
	};

	if (access("/sys/module/fuse/parameters/enable_uring", W_OK)) {
		printf("needs a kernel with FUSE over io_uring, and root\n");
		return 77;
	}
	server = getpid(); /* the tests run in a child */
	return mounted_run(tests);
}
