/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */

/*
 * Runs a fuzz target on the files of the directories that are named on the command line, with any
 * compiler: what the fuzzer found once stays found.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;

	if (!file || fstat(fileno(file), &st)) {
		printf("%s: %s\n", path, strerror(errno));
		exit(1);
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
		printf("%s can't be read\n", path);
		exit(1);
	}
	fclose(file);
	/* Known even if it ends the program. */
	printf("%s\n", path);
	fflush(stdout);
	data = realloc(data, st.st_size ? (size_t)st.st_size : 1);
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		struct dirent **entries;
		int found = scandir(argv[i], &entries, NULL, alphasort);

		for (int j = 0; j < found; j++) {
			char path[4096];

			snprintf(path, sizeof(path), "%s/%s", argv[i], entries[j]->d_name);
			if (entries[j]->d_name[0] != '.') {
				replay(path);
				count++;
			}
			free(entries[j]);
		}
		if (found >= 0)
			free(entries);
	}
	printf("%u inputs\n", count);
	return count ? 0 : 1;
}
