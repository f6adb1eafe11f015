@echo off
rem The ds command from a working tree: builds what is not built, then runs it on the module path.
rem After a change of the sources delete ds.cli\target\modules.built, or run mvnw package.
rem DS_PLUGINS: directories or jars of further modules, separated by semicolons; DS_JAVA_OPTIONS:
rem options of the virtual machine, separated by spaces.
setlocal EnableExtensions
set "ROOT=%~dp0"
set "MODULES=%ROOT%ds.cli\target\modules"
set "STAMP=%ROOT%ds.cli\target\modules.built"
for /f "delims=" %%J in ('call "%ROOT%mvnw.cmd" --print-java-home') do set "JAVA_HOME=%%J"
if not defined JAVA_HOME exit /b 1
if exist "%STAMP%" goto run
echo Building ds (the first time takes a minute) ... 1>&2
pushd "%ROOT%"
call mvnw.cmd -q -DskipTests package -pl ds.cli -am 1>&2
set "BUILT=%ERRORLEVEL%"
popd
if not "%BUILT%"=="0" exit /b %BUILT%
type nul > "%STAMP%"
:run
set "PLUGINS="
if defined DS_PLUGINS set "PLUGINS=;%DS_PLUGINS%"
"%JAVA_HOME%\bin\java" -Xshare:auto -XX:+UseParallelGC -Xmn64m --add-modules jdk.incubator.vector,ds.foreign ^
    --enable-native-access=ds.foreign --illegal-native-access=deny ^
    --module-path "%MODULES%%PLUGINS%" %DS_JAVA_OPTIONS% -m ds.cli/ds.cli.Main %*
exit /b %ERRORLEVEL%
